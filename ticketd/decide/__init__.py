"""The desk's decisions, pure: values in, effects out; no input or output, no clock, no chance.

A mail passes the rooms from below; each knows only those under it::

    rules       which of all that follows concerns this mail
    acting/     replies, notes, commands, new tickets, held and parked mails
    writing/    the mails that we send, and what must never stand in one
    deadlines/  policies, business hours, clocks, figures
    judging/    who wrote it, how well that is proven, what kind it is, where it belongs
    excerpts/   what in a text is new, what is quoted, what is commanded
    reading/    bytes → Message

The vocabulary that all of them speak stands beside them: ``model``, ``policy``, ``context``,
``effects``, ``tokens``.
"""
