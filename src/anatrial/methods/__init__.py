"""How evidence becomes a prior: one file per method, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.methods.beta_binomial import BetaBinomial
from anatrial.methods.commensurate import Commensurate
from anatrial.methods.elicited import Elicited
from anatrial.methods.exnex import Exnex
from anatrial.methods.map import Map
from anatrial.methods.normalised_power_prior import NormalisedPowerPrior
from anatrial.methods.pooled import Pooled
from anatrial.methods.power_prior import PowerPrior

Method = Annotated[
    BetaBinomial | Commensurate | Elicited | Exnex | Map | NormalisedPowerPrior | Pooled | PowerPrior,
    Field(discriminator="method"),
]
