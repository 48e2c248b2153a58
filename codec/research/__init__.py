"""Rate-distortion research with an installed package: `nncodec research`."""
