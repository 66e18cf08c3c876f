"""What mail servers say in refusing, in their own words: patterns, and of what each of them speaks.

Gathered from how they write, in a dozen languages. Which of them goes first is told in `scoring`.
"""

from __future__ import annotations

import re
from typing import Final

NO_SUCH_MAILBOX: Final = re.compile(
    r"user(?:name)?s? (?:is |was )?(?:unknown|not (?:found|known|exist)|doesn'?t exist|invalid)"
    r"|(?:unknown|invalid|no such|nonexistent|non-existent|bad|illegal|unrouteable|undeliverable)"
    r"(?: or \w+)? (?:e-?mail |mail |local |virtual |alias: )?"
    r"(?:user|recipient|mailbox|mail box|address|account|alias|local.?part|person|name|username)"
    r"|(?:user|recipient|rcpt|mailbox|address|account|alias|person|name|inbox|addressee)"
    r"\b[^.;\n]{0,80}?"
    r"(?:does ?n[o']?t exist|does not exist|not exist|could(?: not|n't) be found|can ?not be found"
    r"|cannot be located|was ?n[o']t found|not (?:been )?found|not known|unknown|not listed in"
    r"|is not valid|no longer (?:valid|exists|available|active|on server|in use)|is invalid"
    r"|has been (?:deleted|removed)|not present in|not a valid|not a known|isn't a known)"
    r"|no (?:mailbox|mail box|account|user|one) (?:here )?(?:by that name|at this address|with)"
    r"|no mail ?box (?:here|found|available for th)|bad[ _]recipient"
    r"|mailbox (?:not found|unavailable|unknown|invalid)"
    r"|(?:this user )?does ?n[o']?t have an? [\w.]+ account|not (?:one of )?our (?:customer|user)"
    r"|(?:is|are) not a (?:valid|known) (?:mailbox|user|recipient)|not a (?:mailbox|local address)"
    r"|invalid final delivery userid"
    r"|not listed in (?:the )?(?:domino|public name)|RecipNotFound|RESOLVER\.ADR\.(?:Ex)?Recip"
    r"|badrcptto|address (?:you entered )?invalid\b(?! due)|no such person"
    r"|recipient (?:unknown|invalid|not found|is not local)|account (?:unavailable|inactive)"
    r"|wasn't found at|couldn't be delivered.*wasn't found|the email account that you tried"
    r"|kunde inte hittas|hittades inte|finns inte|existerar inte|okänd (?:mottagare|användare)"
    r"|ok[äa]nd adress|nicht gefunden|existiert nicht|unbekannte[rn]? (?:empf|benutzer|adress)"
    r"|utilisateur inconnu|adresse (?:\w+ )?(?:inconnue|invalide)|n'existe pas|introuvable"
    r"|\b(?:usu[aá]rio|destinat[aá]rio|cuenta|conta|casilla|buz[oó]n)\b[^.;\n]{0,30}?"
    r"(?:inexistente|inv[aá]lid[oa]|desconocid[oa]|desconhecid[oa]|não existe|no encontrad[oa])"
    r"|no existe|utente sconosciuto|non esiste|bestaat niet|onbekend"
    r"|findes ikke|finnes ikke|ukendt|ukjent|ei löydy|tuntematon|не существует|не найден"
    r"|неизвестн|ユーザー?は存在|見つかりません|リストにありません",
    re.IGNORECASE,
)
# RFC 5321's words for 550, and Postfix's for whatever it does not take. More words after them may
# say something else: of our DNS, our name, another time.
PERHAPS_NO_MAILBOX: Final = re.compile(
    r"(?:requested (?:mail )?action not taken[:;, -]*)mailbox (?:is )?(?:unavailable|not available)"
    r"|address (?:you entered )?rejected\b(?! due)|mailbox unavailable or access denied",
    re.IGNORECASE,
)
_NEVER_MAIL = r"NXDOMAIN|null ?mx|indicated no smtp service"
NEVER_MAIL: Final = re.compile(_NEVER_MAIL, re.IGNORECASE)
NO_SUCH_DOMAIN: Final = re.compile(
    _NEVER_MAIL + r"|(?:domain|host)(?: name)?(?: or host)?\b[^.;\n]{0,60}?"
    r"(?:not found|unknown|does ?n[o']?t exist|does not exist|no such|lookup fail|is invalid)"
    r"|couldn'?t find (?:any host|a mail exchanger)|no such (?:domain|host)|unknown (?:domain|host)"
    r"|(?:invalid|illegal|non-?existent) (?:host/)?(?:mail )?domain|no mx found for domain"
    r"|point to non-existent hosts|NonExistentDomain"
    r"|unrouteable (?:mail )?domain|bad destination (?:host|system)"
    r"|(?:host|domain) does not accept mail"
    r"|does ?n[o']t receive e?-?mail according"
    r"|could not be found.{0,20}domain|domän(?:en)? (?:hittades inte|finns inte)"
    r"|\bdomain [\w.-]{1,253} does not exist|unable to look ?up host|name or service not known",
    re.IGNORECASE,
)
NOT_FINAL: Final = re.compile(
    r"(?<!and )try again|try later|temporar|malformed|servfail|message (?:is )?too (?:big|large)"
    r"|(?:message|maximum|max) (?:message )?size|mail (?:at a rate|too quickly)",
    re.IGNORECASE,
)
DECLINED: Final = re.compile(
    r"recipient(?:'s)? (?:preferences|settings)|privacy settings|(?:refused|declined) by (?:the )?"
    r"recipient",
    re.IGNORECASE,
)
# Nothing else can be meant by these, whatever status stands before them.
SURELY_NO_MAILBOX: Final = re.compile(
    r"(?:no such|unknown|nonexistent|non-existent|invalid) (?:user|recipient|mailbox)\b|badrcptto"
    r"|no mail ?box found"
    r"|\b(?:user|recipient|mailbox|account) (?:is )?(?:unknown|not found|does ?n[o']?t exist"
    r"|does not exist)",
    re.IGNORECASE,
)
CLOSED: Final = re.compile(
    r"(?:mailbox|account|user|address|recipient|utente|konto)\b[^.;\n]{0,40}?"
    r"\b(?:disabled|suspended|discontinued|deactivated|inactive|locked|closed|expired|blocked for "
    r"inactivity|not active|avstängt|inaktiv|gesperrt|deaktiviert)"
    r"|(?:disabled|suspended|inactive|deactivated|not an active) (?:e-?mail )?"
    r"(?:mailbox|account|user|recipient|address)|no longer accept(?:s|ing) mail|frozen account"
    r"|\b(?:casilla|cuenta|buz[oó]n|usu[aá]rio|conta|caixa postal|compte|boîte)\b[^.;\n]{0,40}?"
    r"(?:expirad[oa]|caducad[oa]|(?:des|in)activad[oa]|desativad[oa]|deshabilitad[oa]|suspendid[oa]"
    r"|suspensa|cancelad[oa]|inactiv[oa]|inativ[oa]|désactivé|expiré|suspendu)"
    r"|(?:mailbox|account) is (?:blocked|frozen)\b(?! (?:by|due|for|because|from))",
    re.IGNORECASE,
)
FULL: Final = re.compile(
    r"over ?.?quota|quota ?(?:has been )?(?:exceed|exceeded|full|reached|limit)"
    r"|exceed\w* .{0,30}quota"
    r"|(?:mailbox|mail box|inbox|mail ?folder|maildir)\b[^.;\n]{0,40}?(?:is |was )?(?:full"
    r"|too large|exceeded|over|size limit)|full mailbox|out of (?:storage|space)"
    r"|insufficient (?:system )?(?:storage|space)|not enough (?:space|storage)|disk (?:quota"
    r"|full)|storage (?:limit|exceeded)"
    r"|exceeded (?:its |the |their )?(?:storage|space|mailbox|disk)|account is full"
    r"|brevlåda\w*\b.{0,20}full|inkorg\w*\b.{0,20}full|utrymme\w* .{0,20}slut|postfach.{0,20}voll"
    r"|too many messages (?:on|in)|zu ?viele (?:e-?)?mails"
    r"|\b(?:casilla|cuenta|caixa|buz[oó]n|bandeja|correo|espa[cç]i?o|cuota|quota|mailbox|inbox"
    r"|maildir|bo[iî]te|casella)\b[^.;\n]{0,30}?"
    r"(?:llen[oa]|agotad[oa]|excedid[oa]|superad[oa]|chei[oa]|esgotad[oa]|pleine?\b|pien[oa]\b"
    r"|\bvoll\b|dépassé)|sin espacio|sem espaço|postvak.{0,20}vol",
    re.IGNORECASE,
)
# Said of us: our name, our rate, our signature, our words. Of these nobody says any of a reader.
_OF_US = (
    r"spamhaus|spamcop|black ?list|blocklist|block list|dnsbl|\brbl\b|reputation|dmarc|\bdkim\b"
    r"|\bspf\b|unsolicited|(?<!not )listed (?:at|by|in|on)|relay(?:ing)? (?:access )?denied"
    r"|blocked (?:by|due(?! to inactiv)|because|using)|too many(?! hops| messages (?:on|in))"
    r"|rate limit|\bspam\b"
)
CERTAIN_OF_US: Final = re.compile(
    _OF_US + r"|while verifying|callback setup|\bsender verify\b|^550-called:", re.IGNORECASE
)
REFUSED_US: Final = re.compile(
    _OF_US + r"|barracuda|sorbs|uceprotect|blackhole|\brbls\b|in the pbl\b"
    r"|spam(?:my)? (?:content|message)|bulk mail|junk mail|\bvirus\b|malware|phishing"
    r"|content (?:rejected|filter|denied)"
    r"|message (?:content )?(?:rejected|refused|blocked)(?: due| by| because| as)"
    r"|(?:ip|host|sender|server|connections?|mail)\b(?:[^.;\n]|\.(?=\S)){0,60}?"
    r"\b(?:blocked|banned|denied access)"
    r"|blocked (?:for(?! inactiv)|-)|[ :]blocked\)"
    r"|envelope blocked|administrative prohibition|service refused, please|\bOFR_?\d"
    r"|banned|polic(?:y|ies)|reverse dns"
    r"|ptr record|rdns|not authenticated|unauthenticated|authentication (?:required|failed|checks)"
    r"|relay(?:ing)? (?:access )?(?:not (?:permitted|allowed)|prohibited)"
    r"|throttl|sender (?:address )?(?:rejected|denied|refused|unknown|verify)"
    r"|not (?:authori[sz]ed|permitted|allowed) to (?:send|relay)|NotAuthorized|access denied"
    r"|(?:invalid|bad|missing|illegal) dns|ptr resource record|unauthori[sz]ed sender"
    r"|sender address is not allowed|email address is not verified|relay quota|message filtered"
    r"|(?:host|network|connection) (?:is )?not (?:allowed|permitted|accepted)|open relay"
    r"|verification failed for|requires confirmation|\bwhitelist|not accepting mail from"
    r"|\bspam(?:ming|mer)\b"
    r"|turn on smtp auth|(?:your|sending) domain (?:has been|is) blocked|badmailfrom|blocked ip"
    r"|manually blocked|frequency limited|not accepting connections|permitted to relay"
    r"|smtp authentication|max(?:imum)? number of messages per",
    re.IGNORECASE,
)
# Refused before anybody was named: what stands there is said of us, whatever it is.
OF_SENDER: Final = re.compile(
    r"(?:after|reply to|for) (?:the )?(?:pipelined )?(?:mail from|ehlo|helo|initial connection)\b"
    r"|>>> mail from:\S+(?: \w+=\S+)* <<< [45]\d\d|unroute?able sender"
    r"|\bsender(?:'s)? (?:address|domain|mailbox)\b|\bhelo\b|\breturn[- ]path\b(?!:)|envelope.from"
    r"|\bmail ?from (?:domain|address)|\bfrom: domain\b|a valid from\b",
    re.IGNORECASE,
)
NO_MAILBOX_AT_MICROSOFT: Final = re.compile(
    r"recipient address rejected: access denied.{0,80}(?:protection\.outlook\.com|AS\(\d)",
    re.IGNORECASE,
)
# Under 5.7.13, which RFC 5248 has for an account that signs in: only of a recipient is it the end.
DISABLED_RECIPIENT: Final = re.compile(
    r"disabled (?:recipient|user|account|mailbox)", re.IGNORECASE
)
