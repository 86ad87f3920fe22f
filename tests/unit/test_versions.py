"""Which version is the newer one, and what release servers say."""

import pytest

from oxide_desktop.core.versions import Release, is_newer, release_in


@pytest.mark.parametrize(
    ("version", "than"),
    [
        ("0.2.0", "0.1.0"),
        ("v0.1.1", "0.1.0"),
        ("0.10.0", "0.9.9"),
        ("1", "0.9"),
        ("0.1.0", "0.1.0rc1"),
        ("1.0.0.1", "1"),
    ],
)
def test_the_later_version_is_the_newer_one_and_never_both(version: str, than: str):
    assert is_newer(version, than)
    assert not is_newer(than, version)


@pytest.mark.parametrize("version", ["0.1.0", "0.1", "0.1.0-rc.1", "", "latest", "1.2.3.4.5", "9" * 40, "2.0\nrm -rf"])
def test_what_is_the_same_or_no_version_is_not_newer(version: str):
    assert not is_newer(version, "0.1.0")


def test_each_form_of_answer_names_its_release():
    page = "https://example.org/releases/0.2.0"
    github = {"tag_name": "v0.2.0", "html_url": page, "draft": False, "prerelease": False, "assets": [{"version": "9"}]}
    assert release_in(github) == Release("0.2.0", page)
    assert release_in({"info": {"version": "0.2.0", "release_url": page}, "releases": {}}) == Release("0.2.0", page)
    assert release_in({"version": "0.2.0", "page": page}) == Release("0.2.0", page)
    assert release_in({"version": "0.2.0"}) == Release("0.2.0")


@pytest.mark.parametrize(
    "answer",
    [None, [], "0.2.0", {}, {"version": 2}, {"version": "soon"}, {"version": "0.2.0rc1"}, {"info": {}},
     {"tag_name": "v0.2.0", "prerelease": True}, {"tag_name": "v0.2.0", "draft": True}],
)  # fmt: skip
def test_what_is_not_finished_or_no_release_is_none(answer: object):
    assert release_in(answer) is None


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "https://a b", "https://x/\x1b[31m", "https://" + "x" * 400, 7]
)
def test_a_page_that_is_no_plain_address_is_not_shown(page: object):
    assert release_in({"version": "0.2.0", "page": page}) == Release("0.2.0")
