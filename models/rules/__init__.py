"""Decisions: pure functions of models, text and dates; no Session, no clock, no files."""
