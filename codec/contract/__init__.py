"""What callers hand in and what they get: options, targets, effort, quality, reports; no torch."""
