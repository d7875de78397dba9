"""Drills: a failover rehearsed under load, judged by what clients were told, and sealed as evidence.

A plan is sealed before, a workload and a fault are run, every answer is recorded, and a pure checker derives the verdict.
"""
