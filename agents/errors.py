"""One tree for everything that can go wrong in a way a user should hear about.

::

    PhilharmonicError
    ├── ConfigError            what somebody wrote (YAML, setting, option) is wrong
    ├── DataError              a row or a file of examples is wrong
    ├── ArtifactError          an adapter folder is damaged, foreign or unsafe
    ├── RegistryError          no such agent or version, or an illegal change to one
    ├── RouterError            the router cannot be loaded, fitted or judged
    ├── TrainingError          a run cannot start or went wrong
    │   └── GateRefused        the run is fine, the adapter is not good enough
    ├── LoadTestError          a load test cannot run, or found what it should not
    ├── ConversationNotFound   no conversation has this id
    ├── StorageError           the home folder cannot be read or written
    └── EngineError            the inference server
        ├── EngineUnavailable  it does not answer: try again later
        │   └── EngineMisfit   it answers, but cannot stand beside the others
        └── EngineRejected     it answered no: the request is at fault

Every message says what was wrong and what to do about it.
"""


class PhilharmonicError(Exception):
    """Root of the tree; the command line prints it without a traceback."""

    exit_code = 1


class ConfigError(PhilharmonicError):
    """Something a person wrote (YAML key, setting, option) is wrong."""

    exit_code = 2


class DataError(PhilharmonicError):
    """A row or a file of examples is wrong; the message names file and line."""

    exit_code = 2


class ArtifactError(PhilharmonicError):
    """An adapter folder is damaged, foreign to its base, or unsafe to load."""


class RegistryError(PhilharmonicError):
    """No such agent or version, or a change that the registry does not allow."""


class RouterError(PhilharmonicError):
    """The router cannot be loaded, fitted or judged."""


class TrainingError(PhilharmonicError):
    """A training run cannot start or went wrong."""


class GateRefused(TrainingError):
    """The run is fine, but the adapter is not good enough to publish."""


class LoadTestError(PhilharmonicError):
    """A load test cannot run, or what it measured is not good enough."""


class ConversationNotFound(PhilharmonicError):
    """No conversation has this id."""


class StorageError(PhilharmonicError):
    """The home folder cannot be read or written: full, read-only, or a file in it is damaged."""


class EngineError(PhilharmonicError):
    """The inference server could not do what it was asked."""


class EngineUnavailable(EngineError):
    """The inference server does not answer; the same request may work later."""


class EngineMisfit(EngineUnavailable):
    """The inference server is not started as it must be to serve beside the others."""


class EngineRejected(EngineError):
    """The inference server refused the request; the same request will fail again."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
