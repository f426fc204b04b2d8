// Nothing: the tests use the precompiled header of this unit.
