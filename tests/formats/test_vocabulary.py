"""Vocabularies from JSON: which token has which id, and what is no vocabulary."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unrolled import SequenceFileError
from unrolled.vocabulary import Vocabulary, read_vocabulary


def read(folder: Path, content: Any) -> Vocabulary:
    path = folder / "vocab.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_vocabulary(path)


def test_a_list_and_a_map_say_the_same(tmp_path: Path) -> None:
    listed, mapped = read(tmp_path, ["<pad>", "b", "a"]), read(tmp_path, {"a": 2, "<pad>": 0, "b": 1})
    assert dict(listed.ids) == dict(mapped.ids)
    for vocabulary in (listed, mapped):
        assert (vocabulary.name, vocabulary.size) == ("vocab.json", 3)
        assert vocabulary.words([2, 0, 1, 2]) == ("a", "<pad>", "b", "a")
        sequence = vocabulary.encode("abba")
        assert sequence.values.tolist() == [[2], [1], [1], [2]]
        assert sequence.values.dtype == np.dtype(np.intp)
        assert sequence.labels == tuple("abba")
        assert not sequence.values.flags.writeable
        assert vocabulary.one_hot("ab", np.float32).values.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_ids_without_a_token_are_told_as_they_are(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, {"the": 1, "": 2, "cat": 5})
    assert vocabulary.size == 6
    assert vocabulary.words(np.array([0, 1, 2, 5, 7])) == ("0", "the", "2", "cat", "7")
    assert vocabulary.words([]) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "text: expected one character or more, got none"),
        ("abc", 'text: character 3: expected a character of vocab.json, got "c"'),
        ("a\x1b[2J", r'text: character 2: expected a character of vocab.json, got "\x1b"'),
        ("\udcff", r'text: character 1: expected a character of vocab.json, got "\udcff"'),
    ],
)
def test_characters_that_are_not_in_it(tmp_path: Path, text: str, expected: str) -> None:
    vocabulary = read(tmp_path, ["a", "b"])
    for take in (vocabulary.encode, vocabulary.one_hot):
        with pytest.raises(SequenceFileError) as caught:
            take(text)
        assert str(caught.value) == expected


def test_a_vocabulary_of_words_has_no_characters(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, ["the", "cat"])
    assert not vocabulary.has_characters
    with pytest.raises(SequenceFileError, match=r"which has words of several characters only, got \"t\""):
        vocabulary.encode("the")


def test_a_character_that_the_model_does_not_know(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, {"a": 0, "b": 7})
    assert vocabulary.encode("ab", 8).values.tolist() == [[0], [7]]
    with pytest.raises(SequenceFileError, match=r'character 2: expected an id from 0 to 6.*got "b" with id 7'):
        vocabulary.encode("ab", 7)


def test_one_hot_of_a_vocabulary_too_large_to_hold(tmp_path: Path) -> None:
    with pytest.raises(SequenceFileError, match="expected numbers of at most 1 GiB"):
        read(tmp_path, {"a": 2**31 - 1}).one_hot("a")


WRONG = [
    (["a", "b", "a"], 'item 3: expected each token once, got "a" again'),
    (["a", "\x1b[2J", "\x1b[2J"], r'item 3: expected each token once, got "\x1b[2J" again'),
    (["a", 1], "item 2: expected a text, got a number"),
    (["a", None], "item 2: expected a text, got null"),
    ({"a": 1, "\x1b]0;": 1}, r'"\x1b]0;": expected an id of its own, got 1, which "a" has'),
    ({"a": -1}, '"a": expected an id from 0 to 2,147,483,647, got -1'),
    ({"a": 2**31}, '"a": expected an id from 0 to 2,147,483,647, got 2,147,483,648'),
    ({"a": 1.0}, '"a": expected a whole number as its id, got 1.0'),
    ({"a": True}, '"a": expected a whole number as its id, got True'),
    ({"model": {"a": 1}}, '"model": expected a whole number as its id, got an object'),
    ({"0": "a"}, '"0": expected a whole number as its id, got a text'),
    ([], "expected one token or more, got none"),
    ({}, "expected one token or more, got none"),
    ("abc", "expected a JSON list or object, got a text"),
    (True, "expected a JSON list or object, got true or false"),
    (b'{"a": 1, "a": 2}', "the vocabulary: the key a is there twice"),
    (b'{"a": NaN}', "the vocabulary: expected numbers, got NaN"),
    (b'{"a": ' + b"9" * 5000 + b"}", "the vocabulary: expected numbers of at most 30 digits, got 5,000"),
    (b'["\xff"]', "the vocabulary: expected JSON in UTF-8, got a byte that is not"),
    (b'["a", ', "the vocabulary: the JSON is damaged or cut short"),
    (b"[" * 5000, "the vocabulary: expected JSON nested at most 100 deep"),
    (b"[" + b'"a",' * 200_000 + b'"a"]', "the vocabulary: expected JSON of at most 300,000 values"),
    (b"[" + b" " * (16 << 20) + b"]", "the vocabulary: expected at most 16 MiB of JSON"),
    (b"", "the file is empty"),
]


@pytest.mark.parametrize(("content", "expected"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_vocabulary(tmp_path: Path, content: Any, expected: str) -> None:
    with pytest.raises(SequenceFileError) as caught:
        read(tmp_path, content)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence.partition("vocab.json: ")[2].startswith(expected)


def test_a_file_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(SequenceFileError, match=r"none\.json: there is no such file"):
        read_vocabulary(tmp_path / "none.json")
    with pytest.raises(SequenceFileError, match="expected a file, got a directory"):
        read_vocabulary(tmp_path)


def test_tokens_are_shown_and_never_sent(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, ["\x1b", "\u202e", "a"])
    assert vocabulary.encode("\x1b\u202ea").labels == (r"\x1b", r"\u202e", "a")
    assert vocabulary.encode("\x1b").name == r'"\x1b"'
