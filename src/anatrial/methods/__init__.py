"""How evidence becomes a prior: one file per method, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.methods.elicited import Elicited
from anatrial.methods.pooled import Pooled
from anatrial.methods.power_prior import PowerPrior

Method = Annotated[Elicited | Pooled | PowerPrior, Field(discriminator="method")]
