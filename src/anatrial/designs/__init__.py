"""How a trial is laid out: one file per design, one name in the union."""

from typing import Annotated

from pydantic import Field

from anatrial.designs.fixed import Fixed
from anatrial.designs.sequential import Sequential

Design = Annotated[Fixed | Sequential, Field(discriminator="kind")]
