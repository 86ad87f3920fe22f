"""A real model file of half a megabyte with random weights, for the real server: fast, and nonsense.

Its vocabulary is bytes and a few letters, so a token is about a character. `python -m tests.fakes.tiny_model FILE`.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

WIDTH = 64
HEADS = 2  # heads of 32: the quantised cache takes nothing narrower
INNER = 128
LAYERS = 2
TRAINED_WINDOW = 131072
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"


def write_tiny_model(path: Path) -> Path:
    """Make the file."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(TRAINED_WINDOW)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    words = _vocabulary(gguf, writer)
    random = np.random.default_rng(7)

    def weights(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * 0.05).astype(np.float32))

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, np.float32))

    weights("token_embd.weight", words, WIDTH)
    ones("output_norm.weight")
    weights("output.weight", words, WIDTH)
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
        weights(f"blk.{layer}.ffn_gate.weight", INNER, WIDTH)
        weights(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        weights(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _vocabulary(gguf, writer) -> int:
    """Control tokens, every byte, and what plain text is made of; answers how many there are."""
    kinds = gguf.TokenType
    words = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    words += [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)]
    plain = [f"\N{LOWER ONE EIGHTH BLOCK}{letter}" for letter in ["", *string.ascii_lowercase]]
    words += [(text, kinds.NORMAL) for text in [*plain, *string.ascii_letters, *string.digits, *".,:;?!+-*/()\"'"]]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text.encode() for text, _ in words])
    writer.add_token_types([kind for _, kind in words])
    writer.add_token_scores([-float(place) for place in range(len(words))])
    writer.add_vocab_size(len(words))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    return len(words)


if __name__ == "__main__":
    write_tiny_model(Path(sys.argv[1]))
