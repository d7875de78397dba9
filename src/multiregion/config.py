"""Every setting in one table, and the configuration that `multiregion serve` reads; each is read once and passed on."""

import hmac
import math
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from multiregion.errors import BadDeployment, InvalidInput
from multiregion.shapes import in_words
from multiregion.states import Role

ENVIRONMENT_PREFIX = "MULTIREGION_"
REGION_PURPOSE = "region"
"""What the parts' own key is for: calls between regions, authority and wire."""
OTHER_VARIABLES = frozenset({"MULTIREGION_DATA", "MULTIREGION_PASSWORD", "MULTIREGION_REQUIRE_BROWSER"})
"""Read elsewhere: by the commands' options, and by the tests."""
WHOLE, DECIMAL = re.compile(r"[0-9]+"), re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
NUMBER_CHARACTERS_MAX = 40
CLOSE = 0.8
MEBIBYTE = 1024 * 1024
PASSWORD_CHARACTERS_MIN, PASSWORD_CHARACTERS_MAX = 12, 256
"""Length is the whole rule for a password, here and in a user pool on AWS: kinds of characters are not prescribed."""


def setting(default: Any, unit: str, help: str, *, was: str = "") -> Any:
    """One field of `Settings`: a number above 0 in this unit. `was`: its name in an earlier release, which counts as well."""
    return field(default=default, metadata={"unit": unit, "help": help, "was": was})


def choice(default: str, choices: tuple[str, ...], help: str) -> Any:
    return field(default=default, metadata={"unit": "one of " + ", ".join(choices), "help": help, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The limits and waits that an operator may change, by an environment variable `MULTIREGION_<NAME>`. An application has settings of
    its own in a frozen dataclass that inherits from this one: `Application(…, settings=…)`."""

    upload_bytes_max: int = setting(25 * MEBIBYTE, "bytes", "the largest upload that is taken", was="photo_bytes_max")
    ticket_seconds: int = setting(60, "seconds", "how long an upload ticket is good for")
    link_seconds: int = setting(3_600, "seconds", "how long the signed address of an object is good for")
    token_seconds: int = setting(3_600, "seconds", "how long an ID or access token is good for")
    refresh_days: int = setting(30, "days", "how long a session can be refreshed")
    temporary_password_days: int = setting(7, "days", "how long a temporary password is good for")
    attempts_per_user: int = setting(10, "attempts a minute", "failed sign-ins for one user name before a wait")
    attempts_per_address: int = setting(100, "attempts a minute", "failed sign-ins from one address before a wait")
    event_streams_max: int = setting(1_000, "streams", "open event streams in one region")
    heartbeat_seconds: float = setting(0.25, "seconds", "how often a region tells the other where its log ends")
    failover: str = choice("manual", ("manual", "automatic"), "whether a lost primary is taken over from without an operator")
    durability: str = choice("async", ("async", "remote", "remote-strict"), "whether a write waits for the other region")
    remote_seconds: float = setting(2.0, "seconds", "how long a write waits for the other region before that counts as away")
    lease_seconds: float = setting(3.0, "seconds", "automatic failover: how long the writer may write without the authority's word")
    slow_write_seconds: float = setting(
        5.0, "seconds", "a write to a disk that takes longer counts against the health of that region or authority"
    )
    unhealthy_seconds: float = setting(
        10.0, "seconds", "automatic failover: for how long the primary cannot write before writing is moved to the secondary"
    )
    reserve_bytes: int = setting(
        16 * MEBIBYTE, "bytes", "kept free on the disk of each region and of the authority for what moves writing away from a full one"
    )
    loss_changes_max: int = setting(100, "changes", "a takeover that may lose more needs --accept-loss, and is never automatic")
    loss_seconds_max: float = setting(60.0, "seconds", "a takeover that may lose more needs --accept-loss, and is never automatic")
    lag_objective_seconds: float = setting(5.0, "seconds", "the lag that the console holds each stream against")
    position_seconds: float = setting(2.0, "seconds", "how long a read waits for the position that its client has seen")
    engine_call_seconds: float = setting(5.0, "seconds", 'store "aws": how long one call to an engine may take')
    engine_heartbeat_seconds: float = setting(
        2.0, "seconds", 'store "aws": how often a region writes its heartbeat, which measures the lag'
    )
    engine_sweep_seconds: float = setting(21_600.0, "seconds", 'store "aws": how often objects that nothing needs are looked for')
    scrub_days: float = setting(7.0, "days", "how often every object is read again, and repaired if it is damaged")
    scrub_bytes_per_second: float = setting(10.0 * MEBIBYTE, "bytes a second", "how fast objects are read for that at most")
    drain_seconds: float = setting(60.0, "seconds", "how long a planned switch waits for the other region to catch up")
    ready_seconds: float = setting(30.0, "seconds", "how long `up` waits for the processes to become ready")


S = TypeVar("S", bound=Settings)


def read_settings(environment: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    return read_settings_of(Settings, environment, overrides)


def read_settings_of(kind: type[S], environment: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None) -> S:
    """The settings with what the environment and then `overrides`, by name, put in their place. Raises InvalidInput, naming the
    variable, for one that is not a number above 0, or not one of its choices."""
    values: dict[str, Any] = {}
    environment = dict(os.environ if environment is None else environment)
    environment |= {ENVIRONMENT_PREFIX + name.upper(): text for name, text in (overrides or {}).items()}
    for each in fields(kind):
        names = [ENVIRONMENT_PREFIX + name.upper() for name in (each.name, each.metadata.get("was")) if name]
        if name := next((name for name in names if name in environment), None):
            values[each.name] = value_of(name, environment[name], type(each.default), each.metadata.get("choices"))
    return kind(**values)


def value_of(name: str, text: str, kind: type, choices: tuple[str, ...] | None) -> Any:
    if choices is None:
        return positive(name, text, kind)
    if text not in choices:
        raise InvalidInput(f"{name} must be one of {', '.join(choices)}, not {text!r}", field=name)
    return text


def positive(name: str, text: str, kind: type) -> float:
    pattern, what = (WHOLE, "a whole number") if kind is int else (DECIMAL, "a number")
    value: float = kind(text) if len(text) <= NUMBER_CHARACTERS_MAX and pattern.fullmatch(text) else 0
    if not 0 < value < math.inf:
        raise InvalidInput(f"{name} must be {what} above 0, in plain digits, not {text[:NUMBER_CHARACTERS_MAX]!r}", field=name)
    return value


def unknown_variables(environment: Mapping[str, str] | None = None, kind: type[Settings] = Settings) -> list[str]:
    """Variables that begin like a setting's and are read by nobody, each with the setting that may have been meant; for people."""
    settings = {name.upper() for each in fields(kind) for name in (each.name, each.metadata.get("was")) if name}
    found = sorted(os.environ if environment is None else environment)
    names = [name.removeprefix(ENVIRONMENT_PREFIX) for name in found if name.startswith(ENVIRONMENT_PREFIX) and name not in OTHER_VARIABLES]
    unknown = [name for name in names if name not in settings]
    return [f"the variable {ENVIRONMENT_PREFIX}{name} is not known and has no effect{meant(name, settings)}" for name in unknown]


def meant(name: str, settings: Collection[str]) -> str:
    close = get_close_matches(name, settings, n=1, cutoff=CLOSE)
    return f": did you mean {ENVIRONMENT_PREFIX}{close[0]}?" if close else ""


GALLERY = "multiregion.gallery.application:app"
"""The application that is served where none is named."""


class RegionPlace(msgspec.Struct, frozen=True, rename="camel"):
    """How a region is called and reached, and its user pool."""

    region: str
    url: str
    user_pool_id: str
    client_id: str


class Deployment(msgspec.Struct, frozen=True, rename="camel"):
    """What all parts of a deployment know about it."""

    app_id: str
    name: str
    edge: str
    primary: RegionPlace
    secondary: RegionPlace
    authority: str
    secret: str
    operator_token: str
    picture_origins: tuple[str, ...] = ()
    """Where browsers load pictures from and send them to, if that is not the regions themselves."""

    def place(self, role: Role) -> RegionPlace:
        return self.primary if role is Role.PRIMARY else self.secondary

    def key(self, purpose: str) -> bytes:
        """A key of its own for each purpose, 32 bytes, made from the deployment's one secret."""
        return hmac.digest(self.secret.encode(), purpose.encode(), "sha256")

    @property
    def first_history(self) -> str:
        """The history of a deployment of release 1.0, which gave it no name: the same for all its parts."""
        return self.key("history")[:16].hex()

    def bearer(self, purpose: str) -> str:
        return self.key(purpose).hex()


class EnginesConfig(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where the engines of `store = "aws"` are. Without endpoints they are those of AWS in `region`."""

    region: str
    table: str
    bucket: str = ""
    dynamodb_endpoint: str | None = None
    s3_endpoint: str | None = None
    s3_public_endpoint: str | None = None
    create: bool = False

    def __post_init__(self) -> None:
        for name in ("region", "table"):
            if not getattr(self, name):
                raise ValueError(f"engines.{name} is empty")


class PartConfig(msgspec.Struct, frozen=True, rename="camel"):
    """The configuration file of one part: `multiregion serve region|authority|edge|wire --config FILE`."""

    part: str
    host: str
    port: int
    data: str
    deployment: Deployment
    role: Role | None = None
    peer: str | None = None
    links: dict[str, tuple[int, str]] = {}
    settings: dict[str, str] = {}
    store: Literal["embedded", "aws"] = "embedded"
    engines: EnginesConfig | None = None
    application: str = GALLERY
    """Where the application is, as `module:attribute`."""

    def __post_init__(self) -> None:
        if (self.engines is None) is (self.store == "aws"):
            raise ValueError('`engines` belongs to `store` "aws", and has to be there with it')

    @property
    def folder(self) -> Path:
        return Path(self.data)


def read_part(file: Path) -> PartConfig:
    """Raises BadDeployment, naming the file and the field, if it cannot be used."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=PartConfig)
    except OSError as error:
        raise BadDeployment(f"the configuration {file} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise BadDeployment(f"the configuration {file} is not valid: {in_words(error)}") from error


def default_data() -> Path:
    """Raises InvalidInput if the variable is there and empty: that is no folder, and not the present one."""
    return data_of(os.environ.get(ENVIRONMENT_PREFIX + "DATA", ".multiregion"))


def data_of(text: str) -> Path:
    """What --data or its variable names. Raises InvalidInput."""
    if not text.strip():
        raise InvalidInput("--data or MULTIREGION_DATA is empty: name the deployment's folder, or leave it out", field="data")
    return Path(text)


REGION_LABELS = {
    "us-east-1": "N. Virginia",
    "us-east-2": "Ohio",
    "us-west-1": "N. California",
    "us-west-2": "Oregon",
    "ca-central-1": "Canada",
    "eu-west-1": "Ireland",
    "eu-west-2": "London",
    "eu-west-3": "Paris",
    "eu-central-1": "Frankfurt",
    "eu-central-2": "Zurich",
    "eu-north-1": "Stockholm",
    "eu-south-1": "Milan",
    "ap-northeast-1": "Tokyo",
    "ap-northeast-2": "Seoul",
    "ap-northeast-3": "Osaka",
    "ap-southeast-1": "Singapore",
    "ap-southeast-2": "Sydney",
    "ap-south-1": "Mumbai",
    "sa-east-1": "São Paulo",
    "af-south-1": "Cape Town",
}


def label(region: str) -> str:
    """What people call a region: its city where it is known, else its own name."""
    return REGION_LABELS.get(region, region)
