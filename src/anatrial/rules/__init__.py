"""When a trial is called a success: one file per rule, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.rules.exact_sequential import ExactSequential
from anatrial.rules.final import FinalRule
from anatrial.rules.fleming import Fleming
from anatrial.rules.group_sequential import GroupSequential
from anatrial.rules.monitored import Monitored
from anatrial.rules.responders import Responders

AnyRule = Annotated[
    FinalRule | ExactSequential | Fleming | GroupSequential | Monitored | Responders,
    Field(discriminator="kind"),
]
"""Rules that judge a finished trial have their name in ``final.py``; those that decide at every look have it here."""
