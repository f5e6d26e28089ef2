"""What transactions and events say of their surroundings: names, operating system, device, app and user."""

from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any, Final

from test_types.generation import json_text

VERSIONS: Final = tuple(f"{a}.{b}.{c}" for a in range(10) for b in range(10) for c in range(10))
OS_NAMES: Final = ("Android", "NookPhone")
ORIENTATIONS: Final = ("portrait", "landscape")
MANUFACTURERS: Final = ("Google", "Hasbro")
BRANDS: Final = ("google", "zoogle", "moodle", "doodle", "tamagotchi")
FLAGS: Final = ("online", "charging", "low_memory", "simulator")
SIZES: Final = (
    "memory_size", "free_memory", "usable_memory",
    "storage_size", "free_storage", "external_storage_size", "external_free_storage",
)  # fmt: skip
NAMES: Final = (*(f',"transaction":"mytransaction{number}"' for number in range(100)), *("",) * 100)
"""The member `transaction` with its comma, half of the time none: one draw of 200 chooses."""
ORIGINS: Final = tuple(
    f'{logger},"environment":"{environment}"'
    for logger, environment in product(
        (',"logger":"foo.bar.baz"', ',"logger":"bam.baz.bad"', ""), ("production", "development", "staging")
    )
)
"""The members `logger`, a third of the time none, and `environment` with their commas: one draw of 9 chooses."""
MAX_SIZE: Final = 999_999
MAX_UPTIME_S: Final = 7 * 86_400

_KERNEL: Final = "Linux version 4.14.117 (gcc version 4.9.x)"
_OS_BUILD: Final = "QQ3A.200805.001"


def _members(values: dict[str, Any]) -> str:
    """The members of a JSON object that are neither zero, false nor empty, each with a comma before it."""
    return "".join(f",{json_text(name)}:{json_text(value)}" for name, value in values.items() if value)


# The parts of a device with few possibilities are written out once, so that one draw chooses among them.
_NAMES: Final = tuple(
    _members({"name": name, "family": family, "model": "NYC-1", "model_id": "NYC"})
    for name, family in product(("", "Test Phone"), ("", "Test"))
)
_LOOKS: Final = tuple(
    _members(
        {"orientation": orientation, "manufacturer": manufacturer, "brand": brand, "screen_resolution": resolution}
    )
    for orientation, manufacturer, brand, resolution in product(
        ORIENTATIONS, MANUFACTURERS, BRANDS, ("", "1080x1920", "1440x2560", "")
    )
)
_BATTERIES: Final = tuple(_members({"battery_level": level}) for level in range(101))
_DENSITIES: Final = tuple(_members({"screen_density": density}) for density in range(5))
_DPIS: Final = tuple(_members({"screen_dpi": dpi}) for dpi in range(1000))
_FLAGS: Final = tuple(
    _members(dict(zip(FLAGS, states, strict=True))) for states in product((False, True), repeat=len(FLAGS))
)
_OS: Final = tuple(
    "{" + _members({"type": "os"})[1:] + f',"rooted":{rooted}' + _members({"kernel_version": _KERNEL}) + ',"version":"'
    for rooted in ("true", "false")
)
_OS_ENDINGS: Final = tuple('"' + _members({"build": _OS_BUILD, "name": name}) + "}" for name in OS_NAMES)


def context_writer(random: Random) -> Callable[[int], str]:
    """Write the members `os`, `device` and `app` of `contexts` at the Unix second given; each is `{}` half the time."""
    draw = random.random

    def operating_system() -> str:
        version = VERSIONS[int(draw() * 1000)]
        return f"{_OS[int(draw() * 2)]}{version}{_OS_ENDINGS[int(draw() * 2)]}"

    def sizes() -> str:
        drawn = [(name, int(draw() * (MAX_SIZE + 1))) for name in SIZES]
        return "".join([f',"{name}":{size}' for name, size in drawn if size])

    def device(now_s: int) -> str:
        return (
            f'{{"type":"device"{_NAMES[int(draw() * 4)]},"arch":"x{draw():.6f}"{_BATTERIES[int(draw() * 101)]}'
            f"{_LOOKS[int(draw() * len(_LOOKS))]}{_DENSITIES[int(draw() * 5)]}{_DPIS[int(draw() * 1000)]}"
            f"{_FLAGS[int(draw() * 16)]}{sizes()}"
            f',"boot_time":"{now_s - int(draw() * MAX_UPTIME_S)}"}}'
        )

    def app() -> str:
        return (
            f'{{"type":"app","app_version":"{VERSIONS[int(draw() * 1000)]}"'
            f',"app_build":"{VERSIONS[int(draw() * 1000)]}"'
            ',"app_identifier":"io.sentry.sample","app_name":"sample"}'
        )

    def write(now_s: int) -> str:
        return (
            f'"os":{operating_system() if draw() < 0.5 else "{}"}'
            f',"device":{device(now_s) if draw() < 0.5 else "{}"}'
            f',"app":{app() if draw() < 0.5 else "{}"}'
        )

    return write


def user_writer(random: Random, num_users: int) -> Callable[[], str]:
    """Write the user: an address, and with `num_users` above 0 one of that many ids and a name."""
    draw = random.random

    def address() -> str:
        return f"{int(draw() * 255)}.{int(draw() * 255)}.{int(draw() * 255)}.{int(draw() * 255)}"

    if not num_users:
        return lambda: f'{{"ip_address":"{address()}"}}'
    return lambda: f'{{"ip_address":"{address()}","username":"Hobgoblin{draw():.6f}","id":"{int(draw() * num_users)}"}}'
