"""Compares predicted label maps with the true ones: metrics per region, tables, pictures."""

from iunet_med.evaluation.evaluation_report import EvaluationReport

__all__ = ["EvaluationReport"]
