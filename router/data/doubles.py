"""Messages that hold two requests, and single ones that look as if they did.

`doubles.txt` is what the splitter is fitted on, `doubles_eval.txt` what it is judged by; their
first lines explain the format.
"""

from dataclasses import dataclass
from pathlib import Path

from agents.data import Message
from agents.errors import DataError
from router.turns import RoutingTurn

HERE = Path(__file__).parent
FITTED_ON = HERE / "doubles.txt"
JUDGED_BY = HERE / "doubles_eval.txt"


@dataclass(frozen=True)
class Row:
    """A message.

    Attributes:
        agents: who should answer each of its ``parts``; one of each if it must stay whole.
        before: agent, user's message and answer just before it, if there was one.
    """

    agents: tuple[str, ...]
    parts: tuple[str, ...]
    before: tuple[str, str, str] | None = None

    @property
    def turn(self) -> RoutingTurn:
        """The message in its place."""
        message = Message("user", " ".join(self.parts))
        if self.before is None:
            return RoutingTurn((message,))
        agent, user, assistant = self.before
        said = (Message("user", user), Message("assistant", assistant), message)
        return RoutingTurn(said, agent)


def load_rows(path: Path) -> list[Row]:
    """Read one of the files; `DataError` names a broken line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        _parse(line, f"{path}:{number}")
        for number, line in enumerate(lines, 1)
        if line and not line.startswith("#")
    ]


def _parse(line: str, where: str) -> Row:
    before = None
    if line.startswith("["):
        said, _, line = line[1:].partition("] ")
        fields = tuple(said.split(" | "))
        if len(fields) != 3:
            raise DataError(f"{where}: expected [agent | user | assistant] before the message")
        before = (fields[0], fields[1], fields[2])
    agents, _, text = line.partition(": ")
    parts = tuple(part.strip() for part in text.replace("\\n", "\n").split(" // "))
    if len(agents.split()) != len(parts):
        raise DataError(f"{where}: {len(agents.split())} agents for {len(parts)} requests")
    return Row(tuple(agents.split()), parts, before)
