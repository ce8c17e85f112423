from pathlib import Path

import pytest
from rich.console import Console
from transformers import AutoTokenizer

from tests.unit.agent_folder import ROWS, write_agent
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.preview import coloured, histogram, preview
from training.render import IGNORED, RenderedExample


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_phi3(tmp_path_factory.mktemp("base"))


def test_a_preview_shows_rows_lengths_and_the_cost(base: Path, tmp_path: Path) -> None:
    agent = write_agent(tmp_path / "upper")
    console = Console(record=True, width=100)
    cost = preview(agent, base, console)
    assert (cost.rows, cost.steps) == (len(ROWS), 3 * 4)
    assert cost.trained_tokens == sum(len(answer) + 1 for _, answer in ROWS)
    assert cost.seconds > 0 and cost.memory > 50 * 2**20 and 0 <= cost.padding < 0.2
    text = console.export_text()
    assert "<|im_start|>system\nShout.<|im_end|>" in text and "training.max_length is 128" in text
    assert "12 steps" in text


def test_trained_tokens_have_another_colour_than_context(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    ids = tokenizer("[bold]yes<|im_end|>")["input_ids"]
    row = RenderedExample(ids, [IGNORED] * 6 + ids[6:])
    text = coloured(tokenizer, row)
    assert text.plain == "[bold]yes<|im_end|>"  # brackets are text, not markup
    styles = [str(span.style) for span in text.spans]
    assert styles == ["dim"] * 6 + ["bold green"] * 4


def test_every_row_is_in_the_histogram() -> None:
    table = histogram([10] * 5 + [11, 40, 99], 128)
    counts = [int(cell) for cell in table.columns[1].cells]  # type: ignore[arg-type]
    assert sum(counts) == 8 and counts[0] == 6 and counts[-1] == 1
    assert len(histogram([7], 128).rows) == 1
