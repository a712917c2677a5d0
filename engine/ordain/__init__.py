"""Ordain plans and applies machine learning the way Terraform plans and applies infrastructure."""

__version__ = "0.1.0"
