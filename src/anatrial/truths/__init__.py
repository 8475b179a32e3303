"""The realities under which a trial is judged: one file per truth, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.truths.design_prior import DesignPrior
from anatrial.truths.grid import Grid
from anatrial.truths.no_effect import NoEffect
from anatrial.truths.points import Points

AnyTruth = Annotated[DesignPrior | Grid | NoEffect | Points, Field(discriminator="kind")]
