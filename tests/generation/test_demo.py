"""The template's own `make demo`."""

import re
import socket
import sys

import pytest
from baking import ROOT, run


@pytest.mark.full
def test_the_demo_ends_with_a_prediction_and_a_report_and_no_service():
    printed = run([sys.executable, "tools/demo.py"], ROOT)
    assert '"predictions": [' in printed
    assert (ROOT / printed.splitlines()[-1].strip()).is_file()
    port = int(re.search(r"POST http://127\.0\.0\.1:(\d+)/", printed)[1])
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
