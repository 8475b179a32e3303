"""When a trial is called a success: one file per rule, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher import Fisher
from anatrial.rules.posterior import Posterior

AnyRule = Annotated[ChiSquare | ExactBinomial | Fisher | Posterior, Field(discriminator="kind")]
