"""A program that is, or is not, an MCP server: `python mcp_program.py good|silent|chatty|refusing|dying|garbage`."""

from __future__ import annotations

import json
import sys


def main(manner: str) -> None:
    if manner == "dying":
        sys.exit("  File somewhere, in some line\n" * 200 + "no module named oxide")
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or manner == "silent":
            continue
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        if manner == "garbage":
            print("Welcome!", flush=True)
        elif manner == "refusing":
            print(json.dumps({**answer, "error": {"code": -32001, "message": "The settings are wrong."}}), flush=True)
        elif message["method"] == "initialize":
            if manner == "chatty":
                print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}), flush=True)
            print(json.dumps({**answer, "result": {"serverInfo": {"name": "fake", "version": "1"}}}), flush=True)
        else:
            print(json.dumps({**answer, "result": {"tools": [{"name": "one"}, {"name": "two"}]}}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
