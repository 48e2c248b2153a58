"""The next content network: trained here, it takes the released one's place when it is exported."""
