"""Figures, ratios and the table of a benchmark's report."""

import json

import pytest

from lenet.doctor import Measurement, Report

MACHINE = {"lenet": "0", "torch": "2", "processor": "a processor", "kernels": None}


def make_report(unit: str = "images/s") -> Report:
    """Two contestants and another network, three rounds."""
    measurements = (
        Measurement("lenet", (900.0, 1100.0, 1000.0), 0.5),
        Measurement("PyTorch eager", (200.0, 250.0, 300.0), 0.5),
        Measurement("scikit-learn MLP", (500.0, 500.0, 500.0), other_network="784–120–84–10"),
    )
    return Report(
        benchmark="train",
        task="an epoch",
        threads=2,
        unit=unit,
        machine=MACHINE,
        measurements=measurements,
        baseline="PyTorch eager",
        absent={"JAX": "`jax` is not installed."},
        sgemm=(1.0, 3.0, 2.0),
        flop_per_image=1_000_000,
        memory={"lenet train": 150.0},
    )


def test_a_report_goes_through_json() -> None:
    report = make_report()
    values = json.loads(json.dumps(report.to_dict()))
    assert Report.from_dict(values) == report
    assert values["measurements"][0]["median"] == 1000
    assert (values["measurements"][0]["lowest"], values["measurements"][0]["highest"]) == (
        900,
        1100,
    )


@pytest.mark.parametrize(("unit", "ratio"), [("images/s", 4.0), ("µs", 0.25)])
def test_a_ratio_above_one_means_faster(unit: str, ratio: float) -> None:
    report = make_report(unit)
    assert report.speed_ratio(report.measurements[0]) == ratio


def test_the_share_of_the_matrix_product_counts_the_textbooks_operations() -> None:
    report = make_report()
    assert report.sgemm_share(report.measurements[0]) == pytest.approx(0.5)  # 1 of 2 GFLOP/s


def test_the_table_has_a_row_a_contestant_and_says_who_is_missing() -> None:
    report = make_report()
    headings, lenet, _, other = report.rows()
    assert headings == ["", "images/s", "range of 3", "ratio", "of sgemm", "train loss"]
    assert lenet == ["lenet", "1,000", "900 to 1,100", "4.00", "50%", "0.5000"]
    assert other[-2:] == ["", ""], "another network's operations and loss do not compare"
    text = "\n".join(report.remarks())
    for part in ("784–120–84–10", "JAX did not take part", "2 GFLOP/s", "150 MB"):
        assert part in text
