# ruff: noqa: E501 - lines as long as servers write them, in their own letters
"""Odd reports: what providers and programs of many kinds write, and what each of them means.

Made by hand after the ways these servers speak; addresses and hosts are nobody's.
"""

from __future__ import annotations

R = "anna@reader.example"
TO = "b+17.0123456789abcdef@bounce.press.example"
DAEMON = "Mail Delivery Subsystem <mailer-daemon@mx.example>"


def plain(
    sender: str, subject: str, body: str, extra: str = "", ct: str = "text/plain; charset=utf-8"
) -> bytes:
    """A report in a server's own words. Also what an answering machine sends."""
    return (
        f"Return-Path: <>\nDelivered-To: {TO}\n{extra}From: {sender}\nTo: {TO}\nSubject: {subject}\n"
        f"MIME-Version: 1.0\nContent-Type: {ct}\n\n{body}"
    ).encode()


def report(sender: str, subject: str, text: str, fields: str) -> bytes:
    """A report by RFC 3464 with these fields on the recipient."""
    mark = "==B=="
    return (
        f"Return-Path: <>\nDelivered-To: {TO}\nFrom: {sender}\nTo: {TO}\nSubject: {subject}\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="{mark}"\n\n'
        f"--{mark}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--{mark}\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {R}\n{fields}\n"
        f"--{mark}\nContent-Type: message/rfc822\n\nFrom: press@press.example\nSubject: Drygt 10 miljoner\n\nHej\n--{mark}--\n"
    ).encode()


ODD: list[tuple[str, str, bytes]] = [
    # DSN with telling diagnostics
    (
        "o365_5110",
        "hard",
        report(
            DAEMON,
            "Undeliverable: x",
            "x",
            "Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient anna@reader.example not found by SMTP address lookup",
        ),
    ),
    (
        "o365_541_dbeb",
        "hard",
        report(
            DAEMON,
            "Undeliverable: x",
            "x",
            "Action: failed\nStatus: 5.4.1\nDiagnostic-Code: smtp;550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [XX.eop.example 2026-11-23T08:00:00.000Z 08DE]",
        ),
    ),
    (
        "o365_571_group",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp;550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
        ),
    ),
    (
        "o365_quota",
        "soft",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message",
        ),
    ),
    (
        "o365_5_2_0",
        "soft",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.2.0\nDiagnostic-Code: smtp;554 5.2.0 STOREDRV.Deliver.Exception:StoragePermanentException; Failed to process message due to a permanent exception",
        ),
    ),
    (
        "exch_disabled",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.2.1\nDiagnostic-Code: smtp;550 5.2.1 STOREDRV.Deliver; mailbox disabled",
        ),
    ),
    (
        "o365_ip",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.7.606\nDiagnostic-Code: smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.9]. To request removal from this list please visit https://sender.office.example/ (AS16012609)",
        ),
    ),
    (
        "gmail_nouser",
        "hard",
        report(
            DAEMON,
            "Delivery Status Notification (Failure)",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n 550-5.1.1 double-checking the recipient's email address for typos or\n 550 5.1.1 unnecessary spaces. Learn more at https://support.example/?p=NoSuchUser - gsmtp",
        ),
    ),
    (
        "gmail_disabled",
        "hard",
        report(
            DAEMON,
            "Delivery Status Notification (Failure)",
            "x",
            "Action: failed\nStatus: 5.2.1\nDiagnostic-Code: smtp; 550 5.2.1 The email account that you tried to reach is disabled. gsmtp",
        ),
    ),
    (
        "gmail_overquota",
        "soft",
        report(
            DAEMON,
            "Delivery Status Notification (Failure)",
            "x",
            "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552-5.2.2 The recipient's inbox is out of storage space and inactive. Please direct the recipient to https://support.example/?p=OverQuotaPerm gsmtp",
        ),
    ),
    (
        "gmail_rate",
        "policy",
        report(
            DAEMON,
            "Delivery Status Notification (Failure)",
            "x",
            "Action: failed\nStatus: 5.7.28\nDiagnostic-Code: smtp; 550-5.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP",
        ),
    ),
    (
        "gmail_delay",
        "delayed",
        report(
            DAEMON,
            "Delivery Status Notification (Delay)",
            "x",
            "Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; The recipient server did not accept our requests to connect.\nWill-Retry-Until: Wed, 25 Nov 2026 09:00:00 +0000",
        ),
    ),
    (
        "gmail_dns_nx",
        "hard",
        report(
            DAEMON,
            "Delivery Status Notification (Failure)",
            "Your message wasn't delivered because the domain reader.example couldn't be found.",
            "Action: failed\nStatus: 4.0.0\nDiagnostic-Code: smtp; DNS Error: DNS type mx lookup of reader.example responded with code NXDOMAIN Domain name not found: reader.example",
        ),
    ),
    (
        "postfix_nx",
        "hard",
        report(
            DAEMON,
            "Undelivered Mail Returned to Sender",
            "x",
            "Action: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix; Host or domain name not found. Name service error for name=reader.example type=AAAA: Host not found",
        ),
    ),
    (
        "postfix_timeout",
        "soft",
        report(
            DAEMON,
            "Undelivered Mail Returned to Sender",
            "x",
            "Action: failed\nStatus: 4.4.1\nDiagnostic-Code: X-Postfix; connect to mx.reader.example[198.51.100.7]:25: Connection timed out",
        ),
    ),
    (
        "postfix_unknown_local",
        "hard",
        report(
            DAEMON,
            "Undelivered Mail Returned to Sender",
            "x",
            'Action: failed\nStatus: 5.1.1\nDiagnostic-Code: X-Postfix; unknown user: "anna"',
        ),
    ),
    (
        "postfix_virtual",
        "hard",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@reader.example>: Recipient address rejected: User unknown in virtual mailbox table",
        ),
    ),
    (
        "postfix_reject_spf",
        "policy",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 5.7.23\nDiagnostic-Code: smtp; 550 5.7.23 <anna@reader.example>: Recipient address rejected: Message rejected due to: SPF fail - not authorized",
        ),
    ),
    (
        "postfix_greylist_expired",
        "soft",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 4.2.0\nDiagnostic-Code: smtp; 450 4.2.0 <anna@reader.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help",
        ),
    ),
    (
        "postfix_loop",
        "soft",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 5.4.6\nDiagnostic-Code: X-Postfix; mail for reader.example loops back to myself",
        ),
    ),
    (
        "rcpt_blocked_spamhaus_550_5.1.1?",
        "policy",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Service unavailable; Client host [192.0.2.9] blocked using zen.dnsbl.example; https://www.dnsbl.example/query/ip/192.0.2.9",
        ),
    ),
    (
        "t_online",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.7.0\nDiagnostic-Code: smtp; 554 IP=192.0.2.9 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.example to clarify.)",
        ),
    ),
    (
        "gmx_nomx",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554-gmx.example (mxgmx) Nemesis ESMTP Service not available 554-No SMTP service 554-IP address is black listed. 554 For explanation visit https://postmaster.gmx.example",
        ),
    ),
    (
        "gmx_unknown",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Requested action not taken: mailbox unavailable 550 For explanation visit https://postmaster.gmx.example/case?c=r0601",
        ),
    ),
    (
        "yahoo_disabled",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 30 Sorry, your message to anna@reader.example cannot be delivered. This mailbox is disabled (554.30).",
        ),
    ),
    (
        "yahoo_nouser",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 delivery error: dd This user doesn't have a yahoo.example account (anna@reader.example) [0] - mta1234.mail.example",
        ),
    ),
    (
        "yahoo_nouser2",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 1 Requested mail action aborted, mailbox not found",
        ),
    ),
    (
        "yahoo_ts",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 4.7.0\nDiagnostic-Code: smtp; 421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
        ),
    ),
    (
        "yahoo_pol",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.7.9\nDiagnostic-Code: smtp; 554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahoo.example/error-codes",
        ),
    ),
    (
        "aol_quota",
        "soft",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 1 Requested mail action aborted, mailbox over quota",
        ),
    ),
    (
        "icloud_nouser",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@reader.example>: user does not exist",
        ),
    ),
    (
        "icloud_local_policy",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.example/en-us/HT204137",
        ),
    ),
    (
        "icloud_overquota",
        "soft",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 <anna@reader.example>: user is over quota",
        ),
    ),
    (
        "mailru_nouser",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Message was not accepted -- invalid mailbox.  Local mailbox anna@reader.example is unavailable: user not found",
        ),
    ),
    (
        "mailru_terminated",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox anna@reader.example is unavailable: user is terminated",
        ),
    ),
    (
        "mailru_spam",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 spam message rejected. Please visit http://help.mail.example/notspam-support/id?c=Ab or report details to abuse@corp.example",
        ),
    ),
    (
        "mailru_overquota",
        "soft",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: account is over quota",
        ),
    ),
    (
        "yandex_nouser",
        "hard",
        report(
            DAEMON,
            "Недоставленное сообщение",
            "x",
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 5.7.1 No such user!",
        ),
    ),
    (
        "yandex_blocked",
        "hard",
        report(
            DAEMON,
            "x returned mail",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 mailbox is blocked",
        ),
    ),
    (
        "proofpoint_unknown",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 User Unknown",
        ),
    ),
    (
        "proofpoint_pdr",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 Blocked - see https://ipcheck.proofpoint.example/?ip=192.0.2.9",
        ),
    ),
    (
        "proofpoint_deferred",
        "delayed",
        report(
            DAEMON,
            "Warning: could not send message for past 4 hours",
            "x",
            "Action: delayed\nStatus: 4.2.0\nDiagnostic-Code: smtp; 421 Too many errors",
        ),
    ),
    (
        "mimecast_nouser",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550 [abcDEF.eu1]",
        ),
    ),
    (
        "mimecast_admin",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Administrative prohibition - envelope blocked - https://community.mimecast.example/docs/DOC-1369#550 [x]",
        ),
    ),
    (
        "mimecast_reject_hdr",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 Email rejected due to security policies - https://community.mimecast.example/docs/DOC-1369#554 [x]",
        ),
    ),
    (
        "mimecast_greylist",
        "soft",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 4.0.0\nDiagnostic-Code: smtp; 451 Internal resource temporarily unavailable - https://community.mimecast.example/docs/DOC-1369#451 [x]",
        ),
    ),
    (
        "barracuda_nouser",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 permanent failure for one or more recipients (anna@reader.example:550 No such user)",
        ),
    ),
    (
        "barracuda_rcpt_blocked",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 permanent failure for one or more recipients (anna@reader.example:blocked)",
        ),
    ),
    (
        "barracuda_rep",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 Service unavailable; Client host [mx.press.example] blocked using Barracuda Reputation; http://www.barracudanetworks.example/reputation/?r=1&ip=192.0.2.9",
        ),
    ),
    (
        "cisco_ironport",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 #5.1.0 Address rejected.",
        ),
    ),
    (
        "cisco_sbrs",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554-mx.reader.example 554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.",
        ),
    ),
    (
        "domino_notlisted",
        "hard",
        report(
            DAEMON,
            "DELIVERY FAILURE: User anna (anna@reader.example) not listed in Domino Directory",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: X-Notes; User anna (anna@reader.example) not listed in Domino Directory",
        ),
    ),
    (
        "domino_deny",
        "policy",
        report(
            DAEMON,
            "DELIVERY FAILURE",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: X-Notes; Message rejected for policy reasons.",
        ),
    ),
    (
        "groupwise",
        "hard",
        report(
            DAEMON,
            "Message status - undeliverable",
            "The message that you sent was undeliverable to the following: anna (user not found)",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 User not found",
        ),
    ),
    (
        "groupwise_full",
        "soft",
        plain(
            "Mailer-Daemon <postmaster@reader.example>",
            "Message status - undeliverable",
            "The message that you sent was undeliverable to the following:\n\tanna@reader.example (mailbox full)\n",
        ),
    ),
    (
        "sendmail_hostunknown",
        "hard",
        plain(
            DAEMON,
            "Returned mail: see transcript for details",
            "The original message was received at Mon, 23 Nov 2026 09:00:00 +0100\n\n   ----- The following addresses had permanent fatal errors -----\n<anna@reader.example>\n    (reason: 550 Host unknown)\n\n   ----- Transcript of session follows -----\n550 5.1.2 <anna@reader.example>... Host unknown (Name server: reader.example: host not found)\n",
        ),
    ),
    (
        "sendmail_warn",
        "delayed",
        plain(
            DAEMON,
            "Warning: could not send message for past 4 hours",
            "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\nThe original message was received at Mon, 23 Nov 2026\n\n   ----- The following addresses had transient non-fatal errors -----\n<anna@reader.example>\n\n   ----- Transcript of session follows -----\n<anna@reader.example>... Deferred: 550 5.1.1 connection refused by mx.reader.example.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
        ),
    ),
    (
        "exim_nouser",
        "hard",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  anna@reader.example\n    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n",
            extra="X-Failed-Recipients: anna@reader.example\n",
        ),
    ),
    (
        "exim_verify",
        "hard",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nThe following address(es) failed:\n\n  anna@reader.example\n    host mx.reader.example [198.51.100.7]\n    SMTP error from remote mail server after RCPT TO:<anna@reader.example>:\n    550 Verification failed for <anna@reader.example>\n    No Such User Here\n",
            extra="X-Failed-Recipients: anna@reader.example\n",
        ),
    ),
    (
        "exim_sendercallout",
        "policy",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "The following address(es) failed:\n\n  anna@reader.example\n    SMTP error from remote mail server after RCPT TO:<anna@reader.example>:\n    550-Verification failed for <press@press.example>\n    550-Previous (cached) callout verification failure\n    550 Sender verify failed\n",
            extra="X-Failed-Recipients: anna@reader.example\n",
        ),
    ),
    (
        "exim_retry",
        "soft",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Mail delivery failed: returning message to sender",
            "  anna@reader.example\n    host mx.reader.example [198.51.100.7]\n    retry timeout exceeded\n",
            extra="X-Failed-Recipients: anna@reader.example\n",
        ),
    ),
    (
        "exim_delay",
        "delayed",
        plain(
            "Mail Delivery System <Mailer-Daemon@mx.example>",
            "Warning: message 1tABC-0001 delayed 24 hours",
            "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.\n\nThe address to which the message has not yet been delivered is:\n\n  anna@reader.example\n    Delay reason: SMTP error: 550 weird\n\nNo action is required on your part. Delivery attempts will continue for\nsome time, and this warning may be repeated at intervals.\n",
            extra="Auto-Submitted: auto-replied\nX-Failed-Recipients: anna@reader.example\n",
        ),
    ),
    (
        "qmail_nouser",
        "hard",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<anna@reader.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nFrom: press@press.example\n\nspam blocked policy\n",
        ),
    ),
    (
        "qmail_vpop",
        "hard",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\n\n<anna@reader.example>:\nThis address no longer accepts mail.\n\n--- Below this line is a copy of the message.\n",
        ),
    ),
    (
        "qmail_quota",
        "soft",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\n\n<anna@reader.example>:\nuser does not have enough disk quota; mailbox is full (#5.2.2)\n\n--- Below this line is a copy of the message.\n",
        ),
    ),
    (
        "qmail_badrcptto",
        "hard",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\n\n<anna@reader.example>:\n198.51.100.7 does not like recipient.\nRemote host said: 553 sorry, this recipient is in my badrcptto list (#5.7.1)\nGiving up on 198.51.100.7.\n",
        ),
    ),
    (
        "qmail_timeout",
        "soft",
        plain(
            "MAILER-DAEMON@mx.example",
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.\n\n<anna@reader.example>:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.\n",
        ),
    ),
    (
        "mdaemon",
        "hard",
        plain(
            "MDaemon at reader.example <MDaemon@reader.example>",
            "Permanent Delivery Failure",
            "The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.\n\n--------------------------------------------------------------------------\nFailed address: anna@reader.example\n\n--- Session Transcript ---\n Mon 2026-11-23 09:00:00: --> RCPT To:<anna@reader.example>\n Mon 2026-11-23 09:00:00: <-- 550 <anna@reader.example>, Recipient unknown\n",
        ),
    ),
    (
        "surgemail",
        "hard",
        plain(
            "Postmaster <postmaster@mx.example>",
            "Mail delivery failed",
            "Message to anna@reader.example bounced:\n 550 Recipient anna@reader.example rejected - user does not exist here\n",
        ),
    ),
    (
        "communigate",
        "hard",
        plain(
            "MAILER-DAEMON@mx.example",
            "Undeliverable mail: Drygt",
            "Failed to deliver to 'anna@reader.example'\nLOCAL module(account anna) reports:\n account is unknown\n",
        ),
    ),
    (
        "zimbra",
        "hard",
        report(
            DAEMON,
            "Undelivered Mail",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@reader.example>: Recipient address rejected: reader.example",
        ),
    ),
    (
        "lotus_router",
        "soft",
        plain(
            "Postmaster@reader.example",
            "DELIVERY FAILURE: Error delivering to CN=Anna; Router: Database disk quota exceeded",
            "Your message\n\n  Subject: Drygt\n\nwas not delivered to:\n\n  anna@reader.example\n\nbecause:\n\n  Error delivering to mail/anna.nsf; Router: Database disk quota exceeded\n",
        ),
    ),
    (
        "lotus_unknown",
        "hard",
        plain(
            "Postmaster@reader.example",
            "DELIVERY FAILURE: User anna (anna@reader.example) not listed in Domino Directory",
            "Your message\n\n  Subject: Drygt\n\nwas not delivered to:\n\n  anna@reader.example\n\nbecause:\n\n  User anna (anna@reader.example) not listed in Domino Directory\n",
        ),
    ),
    (
        "imss",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.3.0\nDiagnostic-Code: smtp; 554 5.3.0 Your message contains a URL listed in a reputation database",
        ),
    ),
    (
        "telia_full",
        "soft",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 RCPT TO:<anna@reader.example> Mailbox disk quota exceeded",
        ),
    ),
    (
        "telia_unknown",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 RCPT TO:<anna@reader.example> User unknown",
        ),
    ),
    (
        "comhem_rbl",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 RBL Restriction: - <192.0.2.9> - See http://csi.cloudmark.example/reset-request/?ip=192.0.2.9",
        ),
    ),
    (
        "orange_fr",
        "policy",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 4.0.0\nDiagnostic-Code: smtp; 421 Service refuse. Veuillez essayer plus tard. OFR_999 Service refused, please try later.",
        ),
    ),
    (
        "laposte",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.5.0\nDiagnostic-Code: smtp; 550 5.5.0 Service refuse. Adresse destinataire inconnue LPN007_510",
        ),
    ),
    (
        "free_fr",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.2.1\nDiagnostic-Code: smtp; 550 5.2.1 This mailbox has been blocked due to inactivity",
        ),
    ),
    (
        "libero",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 utente non valido",
        ),
    ),
    (
        "web_de",
        "hard",
        plain(
            "mailer-daemon@kundenserver.example",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nThe following address failed:\n\n    anna@reader.example:\n        SMTP error from remote server for RCPT TO command, host: mx (198.51.100.7) reason: 550 Requested action not taken: mailbox unavailable\n\nFor explanation visit https://postmaster.example\n",
        ),
    ),
    (
        "ses_suppressed",
        "hard",
        report(
            "Mail Delivery Subsystem <MAILER-DAEMON@amazonses.example>",
            "Delivery Status Notification (Failure)",
            "An error occurred while trying to deliver the mail to the following recipients:\nanna@reader.example",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address.",
        ),
    ),
    (
        "ses_dsn_full",
        "soft",
        report(
            "MAILER-DAEMON@eu-north-1.amazonses.example",
            "Delivery Status Notification (Failure)",
            "x",
            "Action: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.1 Failed to establish connection>",
        ),
    ),
    (
        "o365_5750",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.7.509\nDiagnostic-Code: smtp;550 5.7.509: Access denied, sending domain press.example does not pass DMARC verification and has a DMARC policy of reject.",
        ),
    ),
    (
        "hotmail_s3150",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp;550 5.7.1 Unfortunately, messages from [192.0.2.9] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
        ),
    ),
    (
        "hotmail_nouser",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.5.0\nDiagnostic-Code: smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [XX.prod.protection.example]",
        ),
    ),
    (
        "hotmail_ratelimit",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 4.7.650\nDiagnostic-Code: smtp;451 4.7.650 The mail server [192.0.2.9] has been temporarily rate limited due to IP reputation.",
        ),
    ),
    (
        "messagelabs",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 553-Message filtered. Refer to the Troubleshooting page at 553-http://www.symanteccloud.example/troubleshooting for more 553 information. (#5.7.1)",
        ),
    ),
    (
        "messagelabs_user",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-Invalid recipient <anna@reader.example> (#5.1.1)",
        ),
    ),
    (
        "forcepoint_size",
        "soft",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.3.4\nDiagnostic-Code: smtp; 552 5.3.4 Message size exceeds fixed maximum message size",
        ),
    ),
    (
        "no_status_said",
        "hard",
        report(DAEMON, "Undeliverable", "Reason: no such user here", "Action: failed\n"),
    ),
    (
        "status_only_511",
        "hard",
        report(DAEMON, "Undeliverable", "x", "Action: failed\nStatus: 5.1.1\n"),
    ),
    (
        "relay_denied",
        "policy",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@reader.example>: Relay access denied",
        ),
    ),
    (
        "unknown_552_5.1.1_spamword",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@nospam.example>: Recipient address rejected: User unknown in relay recipient table",
        ),
    ),
    (
        "rcpt_reject_unverified",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <anna@reader.example>: Recipient address rejected: undeliverable address: host mail[10.0.0.5] said: 550 5.1.1 User unknown (in reply to RCPT TO command)",
        ),
    ),
    (
        "sv_exchange",
        "hard",
        plain(
            "Systemadministratör <postmaster@reader.example>",
            "Olevererbart: Drygt 10 miljoner",
            "Ditt meddelande kom inte fram till några eller någon av de avsedda mottagarna.\n\nFöljande mottagare kan inte nås:\n\n      anna@reader.example den 2026-11-23 09:00\n            E-postkontot finns inte i den organisation som meddelandet skickades till.\n            <mx.reader.example #5.1.1>\n",
        ),
    ),
    (
        "de_exchange",
        "hard",
        plain(
            "Systemadministrator <postmaster@reader.example>",
            "Unzustellbar: Drygt",
            "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.\n\nFolgende(r) Empfänger konnte(n) nicht erreicht werden:\n\nanna@reader.example\nDer Empfänger wurde nicht gefunden. Die E-Mail-Adresse existiert nicht.\n",
        ),
    ),
    (
        "fr_exchange",
        "hard",
        plain(
            "Administrateur système <postmaster@reader.example>",
            "Non remis : Drygt",
            "Échec de la remise pour ces destinataires :\n\nanna@reader.example\nL'adresse de messagerie que vous avez entrée est introuvable.\n",
        ),
    ),
    (
        "fi",
        "hard",
        plain(
            "Postmaster <postmaster@reader.example>",
            "Toimitus epäonnistui: Drygt",
            "Viestiä ei voitu toimittaa vastaanottajalle anna@reader.example.\nVastaanottajaa ei löydy.\n",
        ),
    ),
    (
        "html_only",
        "hard",
        plain(
            "Mail Delivery System <MAILER-DAEMON@mx.example>",
            "Undeliverable: Drygt",
            "<html><body><p>Your message to <b>anna@reader.example</b> couldn&#39;t be delivered.</p><p>anna wasn&#39;t found at reader.example.</p></body></html>",
            ct="text/html; charset=utf-8",
        ),
    ),
    (
        "wrong_charset",
        "hard",
        plain(
            "Mail Delivery System <MAILER-DAEMON@mx.example>",
            "Undelivered Mail",
            "<anna@reader.example>: användaren finns inte (550 no such user)",
            ct="text/plain; charset=utf-16",
        ),
    ),
    (
        "nested",
        "hard",
        plain(
            "Fwd <fwd@gate.example>",
            "Fwd: Undelivered Mail Returned to Sender",
            "--o\nContent-Type: message/rfc822\n\n"
            + report(
                DAEMON,
                "Undelivered",
                "x",
                "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown",
            ).decode()
            + "\n--o--\n",
            ct="multipart/mixed; boundary=o",
        ),
    ),
    (
        "moved",
        "soft",
        plain(
            DAEMON,
            "Returned mail: User unknown",
            "   ----- Transcript of session follows -----\n551 5.1.6 <anna@reader.example>... User has moved; please try anna.b@other.example\n",
        ),
    ),
    (
        "expired_domain",
        "hard",
        report(
            DAEMON,
            "Undelivered",
            "x",
            "Action: failed\nStatus: 5.4.4\nDiagnostic-Code: smtp; unable to look up host reader.example: Name or service not known",
        ),
    ),
    (
        "5_4_310",
        "hard",
        report(
            DAEMON,
            "Undeliverable",
            "x",
            "Action: failed\nStatus: 5.4.310\nDiagnostic-Code: smtp;550 5.4.310 DNS domain reader.example does not exist [Message=InfoDomainNonexistent]",
        ),
    ),
]

AWAY: list[tuple[str, str, str]] = [
    ("sv", "Frånvarande: Drygt", "Jag är på semester till den 4 december. Okänd användare."),
    ("domino", "AUTO: Svensson, Anna is out of the office (returning 05/01)", "I am away."),
    ("sv2", "Autosvar: Drygt", "Tack för ditt mejl. Jag har slutat."),
    ("en", "Out of Office: Drygt", "I no longer work here. This mailbox does not exist any more."),
    ("de", "Abwesenheitsnotiz: Drygt", "Ich bin nicht im Haus."),
    ("fr", "Réponse automatique : Drygt", "Je suis absente."),
    ("fr2", "Absence du bureau", "Je suis en congé"),
    ("es", "Respuesta automática: x", "Estoy fuera"),
    ("it", "Risposta automatica: x", "Sono assente"),
    ("nl", "Automatisch antwoord: x", "Afwezig"),
    ("da", "Automatisk svar: x", "Jeg er på ferie"),
    ("no", "Automatisk svar: x", "Fraværende"),
    ("fi", "Automaattinen vastaus: x", "lomalla"),
    ("pl", "Autoodpowiedź: x", "urlop"),
    ("pt", "Resposta automática: x", "fora"),
    ("ru", "Автоответ: x", "в отпуске"),
    ("ja", "自動応答: x", "不在"),
    ("cs", "Automatická odpověď: x", "nejsem"),
    ("hu", "Automatikus válasz: x", "szabadság"),
    ("tr", "Otomatik yanıt: x", "izin"),
    ("et", "Automaatvastus: x", "puhkus"),
    (
        "en_nosubj",
        "Re: Drygt 10 miljoner",
        "I am out of the office until Monday with no access to e-mail. Your mail will not be delivered to anyone else.",
    ),
    ("sv_re", "SV: Drygt", "Jag är ledig och läser inte min e-post. 550 5.1.1"),
]
