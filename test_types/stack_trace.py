"""Stack traces of events: JavaScript ones and native ones, as Sentry's event protocol has them.

Frames go from the caller to the callee; the last one is where the exception was raised. All frames there are are
written out beforehand, so that a whole stack trace is a single call.
"""

from collections.abc import Callable
from itertools import product
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from test_types.generation import json_text

PLACES: Final = 12
"""So many places of a function are in stack traces."""

# Bundles of a web application: the address of the file, whether its code is the application's own, its functions.
BUNDLES: Final = (
    ("https://shop.example.com/static/js/main.7f3a.js", True, ("render", "addToCart", "onSubmit", "loadPage", "retry")),
    ("https://shop.example.com/static/js/checkout.c41d.js", True, ("pay", "validate", "Checkout.total", "<anonymous>")),
    ("https://shop.example.com/static/js/vendor.90be.js", False, ("dispatch", "flush", "Object.invoke", "Array.map")),
)
JAVASCRIPT_ERRORS: Final = (
    ("TypeError", "Cannot read properties of undefined (reading 'price')"),
    ("ReferenceError", "cart is not defined"),
    ("RangeError", "Maximum call stack size exceeded"),
    ("SyntaxError", "Unexpected token '<', \"<!doctype \"... is not valid JSON"),
    ("Error", "Request failed with status code 503"),
)


class Image(NamedTuple):
    """A program or library in memory: its file, the build id in hexadecimal, where it is, its size in bytes."""

    code_file: str
    code_id: str
    address: int
    size: int


IMAGES: Final = (
    Image("/usr/bin/shop", "9a3c51f07e2b84d6605f1c9ae8d2b7430f6e21c5", 0x5600_0000_0000, 0x8_0000),
    Image("/usr/lib/libcart.so.2", "41d07b9e3f62c8a5907e14bb2c5df3868a90d7e1", 0x7F00_1000_0000, 0x4_0000),
    Image("/lib/x86_64-linux-gnu/libc.so.6", "c8e6f2041b9d7a35e60c48f1d27ab593740e8fb2", 0x7F00_2000_0000, 0x1E_0000),
)
# Signals as Linux numbers them: name, number, name and number of the code, what it means.
SIGNALS: Final = (
    ("SIGSEGV", 11, "SEGV_MAPERR", 1, "Segmentation fault"),
    ("SIGBUS", 7, "BUS_ADRERR", 2, "Bus error"),
    ("SIGFPE", 8, "FPE_INTDIV", 1, "Floating point exception"),
    ("SIGILL", 4, "ILL_ILLOPC", 1, "Illegal instruction"),
    ("SIGABRT", 6, "SI_TKILL", -6, "Aborted"),
)


class Kind(NamedTuple):
    """One kind of stack traces, as JSON texts.

    `openings` are exceptions up to the first frame, `frames` all frames there are, `ending` what follows the last one.
    """

    platform: str
    openings: tuple[str, ...]
    frames: tuple[str, ...]
    ending: str


def _exception(kind: str, value: str, mechanism: dict[str, object]) -> str:
    described = json_text({"type": kind, "value": value, "mechanism": mechanism})
    return f',"exception":{{"values":[{described[:-1]},"stacktrace":{{"frames":['


def _bundle_frames() -> tuple[str, ...]:
    """A function is in one place of its file; each place in it that is called from is one frame."""
    return tuple(
        json_text(
            {
                "filename": file,
                "function": function,
                "lineno": 1 + 40 * number + place,
                "colno": 5 + 4 * (place % 6),
                "in_app": in_app,
            }
        )
        for file, in_app, functions in BUNDLES
        for number, function in enumerate(functions)
        for place in range(PLACES)
    )


def _image_frames() -> tuple[str, ...]:
    """Instructions all over the images, none outside of its own."""
    return tuple(
        json_text(
            {
                "instruction_addr": hex(image.address + image.size * (2 * place + 1) // (20 * PLACES)),
                "package": image.code_file,
            }
        )
        for image, place in product(IMAGES, range(10 * PLACES))
    )


def _debug_meta() -> str:
    """What the images are; the debug id of an ELF file is made of the first 16 bytes of its build id."""
    images = [
        {
            "type": "elf",
            "code_file": image.code_file,
            "code_id": image.code_id,
            "debug_id": str(UUID(bytes_le=bytes.fromhex(image.code_id)[:16])),
            "image_addr": hex(image.address),
            "image_size": image.size,
            "arch": "x86_64",
        }
        for image in IMAGES
    ]
    return json_text({"images": images})


JAVASCRIPT: Final = Kind(
    platform="javascript",
    openings=tuple(_exception(kind, value, {"type": "onerror", "handled": False}) for kind, value in JAVASCRIPT_ERRORS),
    frames=_bundle_frames(),
    ending="]}}]}",
)
NATIVE: Final = Kind(
    platform="native",
    openings=tuple(
        _exception(
            name,
            meaning,
            {
                "type": "signalhandler",
                "handled": False,
                "synthetic": True,
                "meta": {"signal": {"number": number, "name": name, "code": code, "code_name": code_name}},
            },
        )
        for name, number, code_name, code, meaning in SIGNALS
    ),
    frames=_image_frames(),
    ending=f']}}}}]}},"debug_meta":{_debug_meta()}',
)


def stack_trace_writer(random: Random, kind: Kind, least: int, most: int) -> Callable[[], str]:
    """Write the member `exception` with its comma, and of native ones `debug_meta`."""
    draw, choices = random.random, random.choices
    _, openings, frames, ending = kind
    size, options = len(openings), most - least + 1
    return lambda: f"{openings[int(draw() * size)]}{','.join(choices(frames, k=least + int(draw() * options)))}{ending}"
