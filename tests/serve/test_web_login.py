"""The pages of the web server: who sees which, and that no other site does."""

import asyncio
import signal

import aiohttp
import pytest
from tests.serve.web_serving import WAIT, serving

from unrolled_tui.serve.errors import ServeError
from unrolled_tui.serve.web.login import Names

ANYBODY = {"anonymous": True}


async def test_without_the_password_there_is_the_page_that_asks_for_it_and_nothing_else() -> None:
    async with serving() as served:
        async with served.get("/") as answer:
            text = await answer.text()
            assert answer.status == 200
            assert 'type="password"' in text
            assert "<title>tiny &lt;app&gt;</title>" in text
            assert "textual.js" not in text
        for path in ("/ws", "/download/key", "/nowhere", "/static", "/page", "//"):
            async with served.get(path) as answer:
                assert answer.status == 403, path
                assert await answer.text() == "Log in first."
        for path in (
            "/static/",
            "/page/",
            "/static/js/",
            "/page/../web.py",
            "/page/%2e%2e/web.py",
            "/static//etc/passwd",
        ):
            async with served.get(path) as answer:
                assert answer.status in {403, 404}, path
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with served.tab():
                pass
        assert refusal.value.status == 403
        assert not served.sessions()


async def test_a_wrong_password_is_refused() -> None:
    async with serving() as served:
        for wrong in ("", "bafu ", "BAFU", "ü", "x" * 3000):
            async with served.log_in(wrong) as answer:
                assert answer.status == 403
                assert "This is not the class password." in await answer.text()
                assert "Set-Cookie" not in answer.headers
        served.send(signal.SIGTERM)
        code, _, logged = await served.ended()
        assert code == 0
        assert logged.count("refused 127.0.0.1: this is not the class password") == 5


async def test_the_address_that_a_wrong_password_leads_to_leads_back() -> None:
    async with serving() as served:
        async with served.log_in("wrong") as answer:
            assert answer.url.path == "/login"
        for path in ("/login", "/login?again"):
            async with served.get(path) as answer:
                assert answer.status == 303
                assert answer.headers["Location"] == "."
            async with served.web.get(served.at + path) as answer:
                assert answer.url.path == "/"
                assert 'type="password"' in await answer.text()


async def test_wrong_passwords_from_one_address_are_counted() -> None:
    async with serving(limits={"attempts": 3}) as served:
        for _ in range(3):
            async with served.log_in("wrong") as answer:
                assert "not the class password" in await answer.text()
        async with served.log_in() as answer:
            assert answer.status == 403
            assert "wait a minute" in await answer.text()
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("public_url", ["", "https://class.example/lstm"])
async def test_the_right_password_opens_the_page_and_the_session(public_url: str) -> None:
    async with serving(public_url=public_url) as served:
        async with served.log_in() as answer:
            assert answer.status == 303
            assert answer.headers["Location"] == "."  # wherever a server before this one has put it
            cookie = answer.cookies["class-token"]
            assert cookie["httponly"]
            assert cookie["samesite"] == "Strict"
            assert bool(cookie["secure"]) == bool(public_url)
            assert len(cookie.value) >= 43
        given = {"Cookie": f"class-token={cookie.value}"}
        async with served.get("/", headers=given) as answer:
            text = await answer.text()
            assert "textual.js" in text
            assert "://" not in text  # no address of its own, nor any other's
        async with served.get("/download/key", headers=given) as answer:
            assert answer.status == 404
        async with served.get("/ws", headers={**given, "Origin": served.at}) as answer:
            assert answer.status == 400
        async with served.tab(**given) as tab:
            await tab.shows("size 40x8.")
            await tab.type("a")
            await tab.shows("keys 1.")


async def test_a_made_up_token_is_worth_nothing() -> None:
    async with serving() as served:
        for token in ("", "x", "ü", "\udcff", "class-token", "x" * 43):
            async with served.get("/nowhere", headers={"Cookie": f"class-token={token}"}) as answer:
                assert answer.status == 403


async def test_a_server_for_everybody_asks_for_nothing() -> None:
    async with serving(access=ANYBODY) as served:
        async with served.get("/") as answer:
            assert "textual.js" in await answer.text()
        async with served.log_in("") as answer:
            assert answer.status == 403
        async with served.tab() as tab:
            await tab.shows("size 40x8.")


async def test_every_answer_keeps_other_sites_out() -> None:
    async with serving(access=ANYBODY) as served:
        for path in ("/", "/static/js/textual.js", "/page/page.js", "/nowhere"):
            async with served.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "script-src 'self';" in policy
                assert "frame-ancestors 'none'" in policy
                assert "://" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_no_other_site_reaches_a_session() -> None:
    async with serving(access=ANYBODY) as served:
        for origin in ("", "null", "http://evil.example", "http://127.0.0.1", f"http://localhost:{served.port}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                async with served.tab(Origin=origin):
                    pass
            assert refusal.value.status == 403
        async with served.log_in(headers={"Origin": "http://evil.example"}) as answer:
            assert await answer.text() == "A page of another site asks for this."
        async with served.get("/", headers={"Host": f"evil.example:{served.port}"}) as answer:
            assert answer.status == 421


@pytest.mark.parametrize(
    ("bound", "public_url", "asked", "expected"),
    [
        ("127.0.0.1", "", "localhost:8000", True),
        ("127.0.0.1", "", "127.0.0.1:8000", True),
        ("::1", "", "[::1]:8000", True),
        ("localhost", "", "LOCALHOST", True),
        ("127.0.0.1", "", "evil.example", False),
        ("127.0.0.1", "", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "", "192.168.1.5", False),
        ("127.0.0.1", "https://class.example/x", "class.example", True),
        ("127.0.0.1", "https://class.example/x", "evil.example", False),
        ("0.0.0.0", "", "teacher.local:8000", True),  # noqa: S104  # nothing listens
        ("192.168.1.5", "", "teacher.local:8000", True),
        ("0.0.0.0", "", "", False),  # noqa: S104
        ("0.0.0.0", "", "a:b:c", False),  # noqa: S104
        ("0.0.0.0", "", "[", False),  # noqa: S104
    ],
)
def test_a_name_is_known_or_not(bound: str, public_url: str, asked: str, expected: bool) -> None:
    assert Names(bound, public_url).knows(asked) is expected


@pytest.mark.parametrize(
    ("public_url", "origin", "asked", "expected"),
    [
        ("", "http://a.example:8000", "a.example:8000", True),
        ("", "http://A.example", "a.example:80", True),
        ("", "https://a.example", "a.example", True),
        ("", "http://a.example:8001", "a.example:8000", False),
        ("", "http://a.example.evil.example:8000", "a.example:8000", False),
        ("", "null", "a.example:8000", False),
        ("", "", "", False),
        ("", "file://", "", False),
        ("", "http://", "", False),
        ("", "ftp://a.example", "a.example", False),
        ("", "http://[", "a.example", False),
        ("https://class.example/x", "https://class.example", "127.0.0.1:8000", True),
        ("https://class.example/x", "http://class.example", "127.0.0.1:8000", False),
        ("https://class.example/x", "https://evil.example", "127.0.0.1:8000", False),
    ],
)
def test_an_origin_is_the_server_or_not(public_url: str, origin: str, asked: str, expected: bool) -> None:
    assert Names("0.0.0.0", public_url).is_own(origin, asked) is expected  # noqa: S104  # nothing listens


@pytest.mark.parametrize("public_url", ["class.example", "ftp://class.example", "http://", "https://[", "http://a:b"])
def test_a_public_url_that_is_none_is_refused(public_url: str) -> None:
    with pytest.raises(ServeError, match="public URL: expected http:// or https:// and a name, got "):
        Names("127.0.0.1", public_url)


async def test_what_is_no_form_and_no_request_is_refused_in_silence() -> None:
    bodies = (b"", b"\xff=\xff", b"&&&=", b"password", b"password=%ff%fe", b"--x\r\n\r\n", b"password=" + b"x" * 10_000)
    kinds = ("application/x-www-form-urlencoded; charset=none", "multipart/form-data; boundary=x", "text/plain")
    async with serving() as served:
        for body in bodies:
            for kind in kinds:
                async with served.web.post(f"{served.at}/login", data=body, headers={"Content-Type": kind}) as answer:
                    assert answer.status == (413 if len(body) > 4096 else 403), (body, kind)
        for request in (
            b"x\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(request + b"\r\n\r\n")
            async with asyncio.timeout(WAIT):
                assert b" 400 " in await reader.readline()
            writer.close()
            await writer.wait_closed()
        served.send(signal.SIGTERM)
        _, _, logged = await served.ended()
        assert "Traceback" not in logged
        assert "\x16" not in logged
