"""Rules that judge a finished trial, and so may stand at the last look of one that may stop early."""

from anatrial.rules.boschloo import Boschloo
from anatrial.rules.chi_square import ChiSquare
from anatrial.rules.criteria import Criteria
from anatrial.rules.equivalence import Equivalence
from anatrial.rules.exact_binomial import ExactBinomial
from anatrial.rules.fisher import Fisher
from anatrial.rules.fisher_midp import FisherMidp
from anatrial.rules.go_no_go import GoNoGo
from anatrial.rules.posterior import Posterior
from anatrial.rules.score import Score
from anatrial.rules.self_adapting import SelfAdapting
from anatrial.rules.z_pooled import ZPooled
from anatrial.rules.z_unpooled import ZUnpooled

FinalRule = (
    Boschloo
    | ChiSquare
    | Criteria
    | Equivalence
    | ExactBinomial
    | Fisher
    | FisherMidp
    | GoNoGo
    | Posterior
    | Score
    | SelfAdapting
    | ZPooled
    | ZUnpooled
)
