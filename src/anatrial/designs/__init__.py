"""How a trial is laid out: one file per design, one name in the union."""

from anatrial.designs.fixed import Fixed

Design = Fixed
