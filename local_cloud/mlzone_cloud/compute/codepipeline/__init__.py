"""AWS CodePipeline, executed: a state machine that no thread waits for.

An execution is plain data. Whatever may let one go on (an action that ended, an approval, a moment
of the clock) calls `machine.drive`, which starts what may start and returns.
"""
