"""Progress in a notebook: shown while a run goes on, gone from what is saved."""

import pytest

pytestmark = pytest.mark.verification

CODE = """
import time
import tensorprog_mf as tp
from tensorprog_mf import progress
advance = progress.Progress.advance
progress.Progress.advance = lambda self: time.sleep(0.1) or advance(self)
ds = tp.sample(tp.MLP(1), tp.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0]), tp.Training(39, 0.1), 64, 1)
print("done", ds.sizes["time"])
"""


def test_a_notebook_shows_progress_and_does_not_keep_it():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shown = []

    class Client(nbclient.NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] in ("display_data", "update_display_data"):
                shown.append(msg["content"]["data"]["text/plain"])
            return super().process_message(msg, cell, cell_index)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE)])
    Client(notebook, timeout=200, kernel_name="python3").execute()
    assert any("sample:" in line and "% " not in line and "s left" in line for line in shown), shown
    assert "sample:" not in nbformat.writes(notebook).replace(CODE, "").replace("tp.sample", "")
    text = [output for output in notebook.cells[0].outputs if output.output_type == "stream"]
    assert text[-1].text == "done 40\n"
