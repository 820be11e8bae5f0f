"""Words that carry a full stop without ending a sentence, and words that begin one.

Lower case, without the last stop, in English and in the languages whose texts need them most. Short on purpose: a wrong
entry hides sentence ends. Knows no text.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Stand before what they belong to.
NEVER_LAST = _words(
    """
    mr mrs ms mx messrs dr drs prof vs e.g i.e eg ie cf viz
    med z.b d.h u.a o.ä bzw sog vgl evtl dipl frl hrn
    mme mlle sra srta dra sig.ra dott avv dhr mevr mudr judr phdr inż
    гр г-н г-жа ул пл просп кв корп им проф акад доц т.е т.н пгт
    """
)
# The same, written with a capital.
TITLES = _words(
    """
    st mt ft gen sen rep gov capt cpt lt col sgt maj cmdr rev fr hon pres supt insp atty adm brig pvt
    hr ing sig geom rag spett lic ud uds d dña ir mej ks mgr doc
    """
)
# Stand before a number.
BEFORE_A_NUMBER = _words(
    """
    no nos nr nrs n° nº p pp pg pgs fig figs vol vols art sec sect ch chap eq ex para cap pág págs pag num núm núms
    ca approx ver v s str bl pop op cit rs ext párr стр рис гл ст п с т
    jan feb mar apr jun jul aug sep sept oct nov dec janv févr avr juil déc okt dez
    """
)
# End a sentence when a word follows that begins one.
MAY_END = _words(
    """
    inc ltd co corp bros llc plc jr sr esq etc al est dept univ assn ave blvd rd bldg apt hwy gov't govt int'l approx
    incl excl resp temp misc abbr dist orig hist tech freq aprox bspw inkl exkl insb allg bzgl gegr
    usw gmbh mio mrd jh jhs inh cía cia ltda depto ecc pagg enz тыс млн млрд руб др a.m p.m
    """
)
# The same, written with a capital.
NAMES_THAT_MAY_END = _words(
    """
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat
    ala ariz ark cal calif colo conn del fla ga ind kan ky mass mich minn miss mont neb nev okla ore pa penn tenn tex
    va vt wash wis wyo ont que alta
    """
)
TIMES = _words("a.m p.m")
AFTER_A_TIME = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december eastern central mountain pacific est edt cst cdt mst mdt pst pdt gmt utc cet
    """
)
STARTERS = _words(
    """
    the a an this that these those there here i i'm i've i'll i'd he he's she she's it it's its we we're we've you
    you're they they're my your his her our their who what when where why how which whose did do does don't didn't
    is isn't are
    was wasn't were will would can could should may might must has have had let let's and but or so yet if in on at for
    from with as after before because although however therefore then thus also while since once until
    some many most all each every any no not now today please
    das der die dies diese dieser ein eine er sie es ich wir ihr mein wie wo warum wer aber und im
    el la los las un una yo él ella nosotros ellos esto esta este pero cómo qué
    le les une je il elle nous vous ils ce cette mais
    lo gli uno io lui lei noi questo questa ma
    он она оно мы вы они это этот эта но что как где когда
    """
)
# Too short to be told from abbreviations by their looks.
SHORT_AND_PLAIN = _words(
    "it me him her us you them one so too not now out up off go do is are was yes day way all any who"
)
# German, Dutch and Danish write them after a day's number with a full stop.
MONTHS_AFTER_A_DAY = _words(
    """
    januar jänner februar märz april mai maj juni juli august september oktober november dezember december marts
    januari februari maart
    """
)
ALL = NEVER_LAST | TITLES | BEFORE_A_NUMBER | MAY_END | NAMES_THAT_MAY_END
