/** The WebSocket, opened again whenever it closes: soon at first, then less and less often. */

import { protocols } from "./pagekey.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const PING_MS = 30_000;
const PONG_LIMIT_MS = 10_000;

/** How long to wait before the next try: twice as long each time, and not the same for every page at once. */
export function waitBefore(tries, random = Math.random) {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
  return most / 2 + (most / 2) * random();
}

export class LiveSocket {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #pinger = 0;
  #ponger = 0;
  #ended = false;

  /**
   * @param {(message: object) => void} onMessage
   * @param {(state: "connected" | "reconnecting", waitMs?: number) => void} onState
   */
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    window.addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
  }

  /** Try at once, unless it is open. */
  now() {
    if (this.#ended || this.#socket) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  /** Never again: the server does not know this browser. */
  end() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`, protocols());
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#heard(event.data));
    socket.addEventListener("close", () => this.#closed(socket));
  }

  #opened() {
    this.#tries = 0;
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    this.onState("connected");
  }

  #ping() {
    this.#socket?.send("ping");
    this.#ponger = setTimeout(() => this.#socket?.close(), PONG_LIMIT_MS);
  }

  #heard(text) {
    if (text === "pong") clearTimeout(this.#ponger);
    else this.onMessage(JSON.parse(text));
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearInterval(this.#pinger);
    clearTimeout(this.#ponger);
    if (this.#ended) return;
    const wait = waitBefore(this.#tries);
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.onState("reconnecting", wait);
  }
}
