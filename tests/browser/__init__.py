import pytest

pytest.register_assert_rewrite("tests.browser.watching", "tests.browser.seeding", "tests.browser.serving")
