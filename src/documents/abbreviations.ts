const words = (list: string) => new Set(list.trim().split(/\s+/))

/** Never end a sentence: a name or an example follows. Lower case, without the final full stop. */
export const titles = words(`
  mr mrs ms mx dr drs prof rev fr hon messrs st mt ft gen col maj capt cmdr lt sgt gov sen rep pres supt
  fig figs eq eqs e.g i.e cf viz vs al approx resp
  hr frl dipl ing z.b d.h u.a i.d.r o.ä u.ä s.o s.u v.a bzw ca ggf inkl exkl sog vgl abb hl evtl insb
`)

/** End no sentence before a number. */
export const beforeNumber = words(`
  no nos nr nrn p pp vol vols ch sec secs art par para app ed tab s bd kap ziff abs rn az tel ext
  jan feb mar apr jun jul aug sep sept oct nov dec okt dez
`)

/** May end a sentence: they do when a word follows that usually begins one. */
export const ambiguous = words(`
  inc corp ltd co cos bros llc plc jr sr esq ph.d m.d b.a m.a etc dept univ assn est mio mrd str usw
`)

/** Words that mostly stand at the start of a sentence when they have a capital. */
export const starters = words(`
  the a an in on at for from by with as if it its he she they we you i this that these those there here his her their
  our my your who what when where why how but and or so yet however moreover although while since because after before
  during then thus some many most all no not
  der die das ein eine einer er sie es wir ihr ich im am zum zur bei mit nach von vor für auf aus und oder aber doch wenn
  als dass dies diese dieser dieses da dann so wie wo was wer warum
`)

/** German months, before which `3.` is the third day. */
export const germanMonths = words(`
  januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert
`)
