"""Payloads of weight updates."""
