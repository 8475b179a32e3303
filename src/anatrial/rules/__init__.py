"""When a trial is called a success: one file per rule, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.criteria import Criteria
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher import Fisher
from anatrial.rules.posterior import Posterior
from anatrial.rules.self_adapting import SelfAdapting

AnyRule = Annotated[
    ChiSquare | Criteria | ExactBinomial | Fisher | Posterior | SelfAdapting, Field(discriminator="kind")
]
