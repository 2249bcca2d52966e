"""Pickles made to do harm: nothing in them is run, and each is refused in one printable line, in no time and memory."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tests.formats.hostile import problem
from tests.formats.torch_models import FOLDER
from tests.formats.torch_pickles import (
    ADVICE,
    dictionary,
    file,
    gru,
    name,
    number,
    refused,
    sequence,
    sizes,
    storage,
    tensor,
    text,
)

import unrolled
from unrolled import GRU


def test_what_is_made_by_hand_here_loads_where_nothing_is_wrong(tmp_path: Path) -> None:
    (named,) = unrolled.load(file(tmp_path / "m.pt", gru())).layers
    assert isinstance(named.layer, GRU)
    assert (named.layer.units, named.layer.features) == (1, 2)


def test_parameters_and_tensors_of_older_versions(tmp_path: Path) -> None:
    parameter = name("torch._utils", "_rebuild_parameter") + sequence(tensor((3, 2)), b"\x88", b"}") + b"R"
    body = gru(weight_ih_l0=parameter, weight_hh_l0=tensor((3, 1), function="_rebuild_tensor"))
    assert unrolled.load(file(tmp_path / "m.pt", body)).layers


def test_large_tensors(tmp_path: Path) -> None:
    large = storage(key="1", count=600_000)
    path = file(tmp_path / "m.pt", gru(weight_ih_l0=tensor((3, 200_000), of=large)), {"data/1": bytes(2_400_000)})
    assert unrolled.load(path).layers[0].layer.features == 200_000


# Pickles that run something.

EVIL = {
    "os.system": name("os", "system") + sequence(text("touch evil")) + b"R",
    "posix.system": name("posix", "system") + sequence(text("touch evil")) + b"R",
    "builtins.eval": b"\x8c\x08builtins\x8c\x04eval\x93" + sequence(text("1")) + b"R",
    "builtins.exec": b"(" + text("1") + b"ibuiltins\nexec\n",
    "torch.nn.functional.os.system": b"\x8c\x05torch\x8c\x17nn.functional.os.system\x93" + sequence(text("1")) + b"R",
    "collections.OrderedDict.__init__": name("collections", "OrderedDict.__init__") + b")R",
    "torch.storage._load_from_bytes": name("torch.storage", "_load_from_bytes") + sequence(text("1")) + b"R",
    "torch._utils._rebuild_wrapper_subclass": name("torch._utils", "_rebuild_wrapper_subclass") + b")R",
    "builtins.getattr": name("builtins", "getattr") + sequence(text("os"), text("system")) + b"R",
    "numpy.core.multiarray.fromfile": name("numpy.core.multiarray", "fromfile") + sequence(text("evil")) + b"R",
    "datetime.sys": name("datetime", "sys") + b")R",
    "pathlib.PosixPath.unlink": name("pathlib", "PosixPath.unlink") + sequence(text("evil")) + b"R",
    "os.\\x1b[2J": b"\x8c\x02os\x8c\x04\x1b[2J\x93",
}


@pytest.mark.parametrize("what", EVIL)
def test_what_would_be_run_is_refused_by_name(tmp_path: Path, what: str) -> None:
    for body in (EVIL[what], dictionary({"weight_ih_l0": EVIL[what]}), gru() + EVIL[what] + b"b"):
        assert refused(tmp_path, body).endswith(f" {what}, which is neither run nor imported: {ADVICE}")
    is_class = "a whole object of the class" in refused(tmp_path, EVIL[what])
    assert is_class is what.startswith("torch.nn.")


def inside(module: str, what: str, *arguments: bytes) -> bytes:
    return name(module, what) + sequence(*arguments) + b"R"


HARMLESS = {
    "what MultiStepLR counts": inside("collections", "Counter", b"}(K\1K\1u"),
    "a defaultdict": inside("collections", "defaultdict", name("__builtin__", "list")) + b"(" + text("a") + b"]u",
    "a deque": inside("collections", "deque", b")", b"K\3") + b"(K\1K\2e",
    "a number of NumPy": inside("numpy.core.multiarray", "scalar", inside("numpy", "dtype", text("f8")), text("")),
    "an array of NumPy": inside("numpy._core.multiarray", "_reconstruct", name("numpy", "ndarray")) + b"(K\1)tb",
    "bytes in protocol 2": inside("_codecs", "encode", text("a"), text("latin1")),
    "a type of numbers": name("torch", "float32"),
    "a device": inside("torch", "device", text("cuda"), b"K\0"),
    "a date": inside("datetime", "datetime", text("")),
    "a path": inside("pathlib", "PosixPath", text("/"), text("etc")),
    "options of a command line": name("argparse", "Namespace") + b")\x81}(" + text("lr") + b"K\1ub",
    "options of Lightning": name("pytorch_lightning.utilities.parsing", "AttributeDict")
    + b")\x81}("
    + text("a")
    + b"Nub",
    "a set": inside("__builtin__", "set", b"]"),
    "a set in protocol 4": b"\x8f(K\1K\2\x90",
    "a set that is frozen": b"(K\1\x91",
    "bytes that can change": b"\x96" + struct.pack("<Q", 1) + b"a",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_harmless_values_beside_a_state_dict_are_left_out(tmp_path: Path, what: str) -> None:
    body = dictionary({"state_dict": gru(), "beside": HARMLESS[what], "deep": b"](" + HARMLESS[what] * 2 + b"e"})
    (named,) = unrolled.load(file(tmp_path / "m.pt", body)).layers
    assert isinstance(named.layer, GRU)
    assert "got no tensor" in refused(tmp_path, HARMLESS[what])
    assert refused(tmp_path, gru(weight_ih_l0=HARMLESS[what]))


def test_tensors_in_a_defaultdict_are_found(tmp_path: Path) -> None:
    body = inside("collections", "defaultdict", name("builtins", "dict")) + gru()[1:]
    assert unrolled.load(file(tmp_path / "m.pt", body)).layers


def test_weights_that_are_there_under_two_names_are_told(tmp_path: Path) -> None:
    told = "bias_hh_l0 and bias_ih_l0 are one tensor (tied weights): counted twice here, once by PyTorch"
    assert told in "".join(unrolled.load(file(tmp_path / "m.pt", gru())).remarks)
    apart = gru(bias_hh_l0=tensor((3,), offset=3))
    assert "tied" not in "".join(unrolled.load(file(tmp_path / "m.pt", apart)).remarks)


def test_a_state_dict_of_python_2(tmp_path: Path) -> None:
    weights = {b"weight_ih_l0": tensor((3, 2)), b"weight_hh_l0": tensor((3, 1), function="_rebuild_tensor")}
    pairs = b"".join(b"](U" + bytes([len(key)]) + key + one + b"e" for key, one in weights.items())
    body = inside("collections", "OrderedDict", b"](" + pairs + b"e")
    assert unrolled.load(file(tmp_path / "m.pt", body)).layers
    for wrong in (b"]K\1a", b"]]a", b"](K\1Nea", b"](]K\1aNea"):
        assert refused(tmp_path, inside("collections", "OrderedDict", wrong))


def test_a_state_dict_of_numpy_arrays(tmp_path: Path) -> None:
    body = dictionary({"lstm.weight_ih_l0": HARMLESS["an array of NumPy"], "step": HARMLESS["a number of NumPy"]})
    expected = f"lstm.weight_ih_l0: expected a tensor, got numpy._core.multiarray._reconstruct: {ADVICE}"
    assert refused(tmp_path, body) == expected
    beside = dictionary({"state": gru(), "norms": dictionary({"x.weight_ih_l0": HARMLESS["a number of NumPy"]})})
    assert unrolled.load(file(tmp_path / "m.pt", beside)).layers


@pytest.mark.parametrize(
    "body",
    [
        name("torch", "float32") + b")R",
        name("numpy", "ndarray") + b")R",
        name("builtins", "dict") + b")R",
        name("builtins", "list") + b")\x81",
    ],
)
def test_names_of_types_are_never_called(tmp_path: Path, body: bytes) -> None:
    assert "neither run nor imported" in refused(tmp_path, gru(weight_ih_l0=body))


@pytest.mark.parametrize("what", ["torch.ScriptObject", "torch._utils._rebuild_qtensor", "torch.qint8"])
def test_quantized_weights_have_a_sentence_of_their_own(tmp_path: Path, what: str) -> None:
    body = dictionary({"fc.weight": name(*what.rsplit(".", 1)) + b")R"})
    assert refused(tmp_path, body) == (
        f"expected plain weights, got quantized ones ({what}), which are packed: save those of the model before it is "
        "quantized, with torch.save(model.state_dict(), …)"
    )


@pytest.mark.parametrize("what", ["torch.nn.modules.rnn.LSTM", "my.models.Tagger"])
def test_a_model_saved_whole_is_refused_by_its_class(tmp_path: Path, what: str) -> None:
    module = name(*what.rsplit(".", 1)) + b")\x81}b"
    whole = (
        f"expected a state dict, got a whole object of the class {what}, which is neither run nor imported: {ADVICE}"
    )
    assert refused(tmp_path, module) == whole
    assert what in refused(tmp_path, dictionary({"epoch": b"K\1", "model": module}))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("EXT1", b"\x82\x01"),
        ("EXT4", b"\x84\x01\0\0\0"),
        ("OBJ", b"(" + name("torch", "Size") + b"o"),
        ("DUP", b"N2"),
        ("PERSID", b"Pevil\n"),
        ("NEWOBJ_EX", name("torch", "Size") + b")}\x92"),
        ("LONG4", b"\x8b\xff\xff\xff\x7f"),
        ("STRING", b"S'\\x'\n"),
        ("NEXT_BUFFER", b"\x97"),
    ],
)
def test_operations_that_pytorch_does_not_write(tmp_path: Path, operation: str, body: bytes) -> None:
    expected = f"expected tensors and plain values, got the operation {operation}, which is not run: {ADVICE}"
    assert refused(tmp_path, body) == expected


@pytest.mark.parametrize(
    "body",
    [
        name("torch", "FloatStorage") + b")R",
        name("torch", "FloatStorage") + b")\x81",
        name("torch", "Size") + b")\x81}b",
        name("__torch__", "Evil") + b")R",
        name("__torch__", "Evil") + sequence(number(1)) + b"\x81",
        name("collections", "OrderedDict") + sequence(number(1)) + b"R",
        name("torch._utils", "_rebuild_parameter") + sequence(text("x")) + b"R",
    ],
)
def test_names_that_are_allowed_are_called_as_pytorch_calls_them_only(tmp_path: Path, body: bytes) -> None:
    assert "neither run nor imported" in refused(tmp_path, body)


def test_nothing_is_run_imported_opened_or_written(tmp_path: Path) -> None:
    paths = [str(file(tmp_path / f"{place}.pt", body)) for place, body in enumerate(EVIL.values())]
    paths.append(str(file(tmp_path / "script.pt", name("__torch__.os", "system") + b")\x81}b")))
    for place, body in enumerate(HARMLESS.values()):
        paths.append(str(file(tmp_path / f"harmless{place}.pt", gru() + body + b"\x86")))
    program = """
import sys, unrolled
from unrolled.formats import load
good, *paths = sys.argv[1:]
load(good), "\\0".encode("unicode_escape")  # what these import, they import once
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]) if args else "")))
for path in paths:
    try: load(path)
    except unrolled.UnrolledError: pass
    else: assert "harmless" in path, path
harmless = ("object.", "sys.", "builtins.id", "os.stat", "code.__new__")
odd = [one for one in seen if not one[0].startswith(harmless) and one not in [("open", path) for path in paths]]
print(odd, len(seen))
"""
    good = file(tmp_path / "good.pt", gru())
    command = [sys.executable, "-c", program, str(good), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    odd, count = done.stdout.rsplit(" ", 1)
    assert odd == "[]"
    assert int(count) >= len(paths)
    assert not (tmp_path / "evil").exists()


# Pickles that take all memory or time.


def laughs() -> bytes:
    """A list of ten lists of ten lists, and so on."""
    return b"]q\0" + b"".join(b"](" + bytes([ord("h"), at]) * 10 + b"eq" + bytes([at + 1]) for at in range(60))


def nested_tuples_as_key() -> bytes:
    return b"}" + b")" + b"\x85" * 200_000 + b"Ns"


def doubled_tuples_as_key() -> bytes:
    return b"})q\0" + b"".join(b"h" + bytes([at]) + b"\x86q" + bytes([at + 1]) for at in range(60)) + b"Ns"


def colliding_keys() -> bytes:
    return b"}(" + b"".join(number(at * ((1 << 61) - 1)) + b"N" for at in range(1, 60_000)) + b"u"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"Nr\xff\xff\xff\x7f", "got one numbered 2,147,483,647"),
        (b"\x8e" + struct.pack("<Q", 1 << 46), "expected a pickle of at most 16 MiB"),
        (b"\x8e" + struct.pack("<Q", (1 << 64) - 1), "the pickle is damaged or cut short"),
        (b"\x8d" + struct.pack("<Q", 1 << 40), "expected a pickle of at most 16 MiB"),
        (b"B\xff\xff\xff\x7f", "expected a pickle of at most 16 MiB"),
        (b"T\xff\xff\xff\xff", "the pickle is damaged or cut short"),
        (b"c" + b"a" * 100_000, "the pickle is damaged or cut short"),
        (b"N0" * 400_000, "got the operation POP"),
        (b"}" * 600_000, "at most 500,000 operations"),
        (b"Nq\0" + b"h\0" * 600_000, "at most 500,000 operations"),
        (laughs(), "got no tensor"),
        (b"]" * 100_000 + b"a" * 99_999, "nested at most 100 deep"),
        (b"}" + text("a") + b"}" * 1 + b"s" + b"]" * 1000 + b"a" * 999 + b"\x86", "nested at most 100 deep"),
        (b"}q\0" + text("me") + b"h\0s", "got no tensor"),
        (b"]q\0h\0a", "got no tensor"),
        (nested_tuples_as_key(), "got no tensor"),
        (doubled_tuples_as_key(), "got no tensor"),
        (colliding_keys(), "got no tensor"),
        (tensor((3,)) + b"q\0](" + b"h\0" * 30_000 + b"e\x86", "at most 20,000 tensors"),
        (text("x" * 200_000) + b"q\0" + tensor((3,)) + b"q\1](" + b"}h\0h\1s" * 200 + b"e\x87", "names of sane length"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_pickles_that_take_all_memory_or_time(tmp_path: Path, body: bytes, what: str) -> None:
    assert what in refused(tmp_path, body)


@pytest.mark.parametrize(
    "body", [b"", b"K", b"0", b"R", b"h\5", b"t", b"NN", b"(Nu", b"Ns", b"]Nb", b"N\x93", b"NQ", b"\xff"]
)
def test_pickles_that_are_none(tmp_path: Path, body: bytes) -> None:
    assert refused(tmp_path, body)


# Tensors that lie.


@pytest.mark.parametrize(
    "wrong",
    [
        tensor((3, 2), offset=-1),
        tensor((3, 2), offset=95),
        tensor((3, 2), (10**9, 1)),
        tensor((3, 2), (-2, 1)),
        tensor((10**6, 10**6), (0, 0)),
        tensor((200,), (0,)),
        tensor((3, 2), (2,)),
        tensor((3,) * 9),
        tensor((1 << 62, 1 << 62)),
        tensor((3, 2), offset=1 << 70),
        tensor((3, 2), of=b"N"),
        tensor((3, 2), of=storage(count=-1)),
        name("torch._utils", "_rebuild_tensor_v2") + sequence(storage(), number(0), text("ab"), sizes(1, 1)) + b"R",
        name("torch._utils", "_rebuild_tensor_v2") + sequence(storage(), text("0"), sizes(1), sizes(1)) + b"R",
        name("torch._utils", "_rebuild_tensor_v2") + sequence(storage(), b"\x88", sizes(1), sizes(1)) + b"R",
        name("torch._utils", "_rebuild_tensor_v2") + sequence(storage()) + b"R",
    ],
    ids=range(16),
)
def test_views_that_are_not_inside_of_their_storage(tmp_path: Path, wrong: bytes) -> None:
    assert refused(tmp_path, gru(weight_ih_l0=wrong))


@pytest.mark.parametrize(
    ("of", "what"),
    [
        (storage(count=101), "storage 0: expected 404 bytes for 101 numbers of type float32, got 400"),
        (storage("DoubleStorage"), "storage 0: expected 800 bytes for 100 numbers of type float64, got 400"),
        (storage(key="../../x"), "expected the numbers of storage ../../x, got none"),
        (storage(key="7\x1b"), "expected the numbers of storage 7\\x1b, got none"),
        (storage("QInt8Storage"), "expected a storage of numbers, got torch.QInt8Storage"),
        (storage("ComplexFloatStorage"), "expected a storage of numbers, got torch.ComplexFloatStorage"),
        (storage("UntypedStorage"), "expected a storage of numbers, got torch.UntypedStorage"),
        (storage("FloatStorage", "0", 100, sequence(text("0"), number(0), number(6))), "expected a storage of numbers"),
        (storage("IntStorage"), "gru: weight_ih: expected floating-point numbers, got int32"),
    ],
    ids=range(9),
)
def test_storages(tmp_path: Path, of: bytes, what: str) -> None:
    whole = {key: tensor(shape, of=of) for key, shape in {"weight_ih_l0": (3, 2), "weight_hh_l0": (3, 1)}.items()}
    assert refused(tmp_path, dictionary(whole)).startswith(what)


def test_a_storage_that_is_described_in_two_ways(tmp_path: Path) -> None:
    body = gru(weight_ih_l0=tensor((3, 2), of=storage("IntStorage")))
    assert refused(tmp_path, body) == "the storage 0 is described in two ways"


def test_numbers_of_another_kind_of_machine(tmp_path: Path) -> None:
    assert "little-endian order" in refused(tmp_path, gru(), {"byteorder": b"big"})
    raw = (FOLDER / "older.pt").read_bytes()
    place = raw.index(b"\x88", raw.index(b"little_endian"))
    (tmp_path / "m.pt").write_bytes(raw[:place] + b"\x89" + raw[place + 1 :])
    assert "little-endian order" in problem(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"weight_ih_l0": tensor(())}, "weight_ih: expected 2 axes, got shape ()"),
        (
            {"weight_ih_l0": tensor((4, 2))},
            "weight_ih: expected shape (3, 2) beside a weight_hh of shape (3, 1), got (4, 2)",
        ),
        ({"bias_hh_l0": tensor((4,))}, "bias_hh: expected shape (3,) beside a weight_hh of shape (3, 1), got (4,)"),
        (
            {"weight_hh_l0": tensor((5, 1))},
            "weight_hh: expected hidden_size, 3·hidden_size or 4·hidden_size rows, hidden_size being 1, got 5",
        ),
        ({"weight_hh_l0": tensor((3, 0))}, "weight_hh: expected at least one unit and one feature, got shape (3, 0)"),
        ({"bias_hh_l0": tensor((3, 1))}, "bias_hh: expected 1 axis, got shape (3, 1)"),
        ({"weight_hr_l0": tensor((1, 2))}, "weight_hh: expected 4·hidden_size rows, hidden_size being 2, got 3"),
        ({"weight_ih_l2": tensor((3, 1))}, "expected weight_ih_l1 beside"),
        ({"weight_ih_l0_reverse": tensor((3, 2))}, "expected weight_hh_l0_reverse beside"),
        ({"weight_ih_l999": tensor((3, 2))}, "expected at most 500 layers, got 1,000"),
        ({"weight_ih": tensor((3, 2))}, "expected weights of layers or of a cell, got both"),
        ({"module.bias_ih_l0": tensor((3,))}, "expected each tensor once, got module.bias_ih_l0 twice"),
        ({"weight_ih_l0_g": tensor((3, 1))}, "expected weight_ih_l0_v beside weight_ih_l0_g, got none"),
        ({"weight_ih_l0_v": tensor((3, 2))}, "expected a length for each row from weight_norm, got none"),
        ({"q._packed_params.w": tensor((3, 2))}, "q._packed_params.w: expected plain weights, got quantized ones"),
    ],
)
def test_weights_that_do_not_belong_together(tmp_path: Path, changes: dict[str, bytes], what: str) -> None:
    assert what in refused(tmp_path, gru(**changes))


def test_a_weight_is_missing(tmp_path: Path) -> None:
    body = dictionary({"enc.weight_hh_l0": tensor((3, 1)), "enc.bias_hh_l0": tensor((3,))})
    assert refused(tmp_path, body) == "enc: expected weight_ih_l0 beside weight_hh_l0, bias_hh_l0, got none"
    body = dictionary({"weight_hh_l0": tensor((3, 1))})
    assert refused(tmp_path, body) == "expected weight_ih_l0 beside weight_hh_l0, got none"


def test_layers_of_two_cells(tmp_path: Path) -> None:
    body = dictionary({
        "weight_ih_l0": tensor((3, 2)),
        "weight_hh_l0": tensor((3, 1)),
        "weight_ih_l1": tensor((4, 1)),
        "weight_hh_l1": tensor((4, 1)),
    })  # fmt: skip
    assert "gru_l1: expected the weights of one more GRU" in refused(tmp_path, body)
