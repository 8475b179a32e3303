"""How much of an error may be used up by each look: spending functions of the share of information seen so far."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from anatrial.numerics import FloatArray


def obrien_fleming(total: float, fractions: FloatArray) -> FloatArray:
    """Error spent up to each look, little at first: 2 - 2 Phi(z(total / 2) / sqrt(t)).

    Parameters
    ----------
    total
        Error to be spent in the end, one-sided, in (0, 1).
    fractions
        Shares of information at the looks, in (0, 1], any shape.

    Returns
    -------
    Cumulative error in (0, total], shape of ``fractions``.

    Source
    ------
    Lan & DeMets (1983), Biometrika 70:659-663, as written for one side by rpact and gsDesign.
    """
    return np.asarray(2.0 * ndtr(float(ndtri(total / 2)) / np.sqrt(fractions)))


def pocock(total: float, fractions: FloatArray) -> FloatArray:
    """Error spent up to each look, much of it early: total ln(1 + (e - 1) t).

    ``total`` in (0, 1), ``fractions`` in (0, 1] of any shape; the result has that shape.
    Source: Lan & DeMets (1983), Biometrika 70:659-663.
    """
    return np.asarray(total * np.log1p((math.e - 1) * fractions))


def hwang_shih_decani(total: float, fractions: FloatArray, gamma: float) -> FloatArray:
    """Error spent up to each look: total (1 - exp(-gamma t)) / (1 - exp(-gamma)), or total t where gamma is 0.

    ``total`` in (0, 1), ``fractions`` in (0, 1] of any shape; the result has that shape. A ``gamma`` of -4 resembles
    O'Brien and Fleming, 1 Pocock. Source: Hwang, Shih & De Cani (1990), Statist. Med. 9:1439-1445.
    """
    if gamma == 0:
        return np.asarray(total * fractions)
    return np.asarray(total * np.expm1(-gamma * fractions) / math.expm1(-gamma))


def power_family(total: float, fractions: FloatArray, exponent: float) -> FloatArray:
    """Error spent up to each look: total t^exponent.

    ``total`` in (0, 1), ``fractions`` in (0, 1] of any shape, ``exponent`` above 0; the result has the shape of
    ``fractions``. Source: Kim & DeMets (1987), Biometrika 74:149-154.
    """
    return np.asarray(total * fractions**exponent)
