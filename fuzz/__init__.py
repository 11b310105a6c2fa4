"""Hostile input, made up from bytes: what must hold of the programs whatever comes.

A target takes bytes, makes an input of them and holds the program's answer against what is claimed of it. The same
targets run guided by coverage (``make fuzz``) and, for a moment, with every test run (``tests/test_fuzz.py``).
"""
