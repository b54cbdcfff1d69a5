"""The assets, layer by layer: staging, psa, vault and infomarts (dbt), report.

An asset's body fits on a screen: which days, one call into the domain, and what to show of the result.
"""
