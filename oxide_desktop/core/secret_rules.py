"""The table of secrets that are known by their own form: tokens of services, private keys, signed tokens."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret.

    Attributes:
        name: What people read, with its article.
        start: How it begins, literally; not looked at further where a longer word goes on.
        rest: What must follow, a regular expression that is compiled when it is first needed. A group, if there is
            one, is the secret's value; what no group names is the value from behind `start` on.
    """

    name: str
    start: str
    rest: str

    @property
    def expression(self) -> str:
        """The whole of it: literal first, which is what is quick to search for."""
        start = re.escape(self.start)
        # Not the middle of a longer word, such as base64 that happens to hold these letters.
        bounded = self.start[0].isalnum() and not self.rest.startswith("(?<=")
        return start + (rf"(?<![^\W_]{start})" if bounded else "") + self.rest


_END = r"(?![A-Za-z0-9])"


def _each(name: str, starts: Iterable[str], rest: str) -> Iterator[Rule]:
    return (Rule(name, start, rest) for start in starts)


def _encoded(kind: str) -> str:
    """How base64 of such a private key begins: as far as what follows has no part in it."""
    head = f"-----BEGIN {kind}PRIVATE KEY".encode()
    return base64.b64encode(head).decode()[: len(head) * 8 // 6]


_ENCODED_KEYS = [_encoded(kind) for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ", "PGP ")]

RULES: tuple[Rule, ...] = (
    Rule("an age key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
    Rule("an Airtable token", "pat", rf"[A-Za-z0-9]{{14}}\.[a-f0-9]{{64}}{_END}"),
    Rule("an Alibaba access key", "LTAI", rf"[A-Za-z0-9]{{20}}{_END}"),
    Rule("an Anthropic key", "sk-ant-", r"[\w-]{24}"),
    *_each("an Atlassian token", ("ATATT3", "ATBB", "ATCTT3"), r"[\w=-]{28}"),
    *_each("an AWS access key", ("AKIA", "ASIA", "ABIA"), rf"[A-Z2-7]{{16}}{_END}"),
    *_each("an AWS secret key", ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
           r"[\"']?\s{0,5}[:=]\s{0,5}[\"']?([A-Za-z0-9/+]{40})"),
    *_each("an Azure storage key", ("AccountKey=", "SharedAccessKey="), r"[A-Za-z0-9+/]{42,100}={0,2}"),
    *_each("an Azure client secret", ("7Q~", "8Q~"), r"(?<=[\w.~-]{3}[78]Q~)[\w.~-]{31}"),
    Rule("an Azure signed address", "&sig=", r"[A-Za-z0-9%+/]{43}"),
    Rule("a Databricks token", "dapi", rf"[a-f0-9]{{32}}{_END}"),
    *_each("a DigitalOcean token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"[a-f0-9]{64}"),
    *_each("a Discord token", ("MT", "Mz", "MD", "Mj", "ND", "NT", "Nz", "Nj", "OD", "OT"),
           r"[\w-]{21,24}\.[\w-]{6}\.[\w-]{27,40}"),
    *_each("a Discord webhook", ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"), r"\d{16,20}/[\w-]{60}"),
    Rule("a Docker token", "dckr_pat_", r"[\w-]{20}"),
    *_each("a Doppler token", ("dp.pt.", "dp.st.", "dp.sa."), r"[\w.-]{40}"),
    Rule("a Facebook token", "EAA", r"[MC][A-Za-z0-9]{100,300}+(?![+/=])"),
    Rule("a Figma token", "figd_", r"[\w-]{36}"),
    Rule("a Fly token", "fm2_", r"[A-Za-z0-9+/=_]{60}"),
    Rule("a GitHub token", "github_pat_", r"\w{22}"),
    *_each("a GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{36}"),
    *_each("a GitLab token", ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-", "glsoat-"), r"[\w-]{20}"),
    Rule("a Google API key", "AIza", rf"[\w-]{{35}}{_END}"),
    Rule("a Google client secret", "GOCSPX-", r"[\w-]{28}"),
    *_each("a Google access token", ("ya29.", "1//0"), r"[\w-]{30}"),
    *_each("a Grafana token", ("glsa_", "glc_"), r"[\w+/=]{32}"),
    Rule("a Groq key", "gsk_", r"[A-Za-z0-9]{40}"),
    *_each("a Hugging Face token", ("hf_", "api_org_"), rf"[A-Za-z0-9]{{34,40}}{_END}"),
    Rule("a Linear key", "lin_api_", r"[A-Za-z0-9]{32}"),
    Rule("a Mailchimp key", "-us", rf"(?<=([0-9a-f]{{32}})-us)\d{{1,2}}{_END}"),
    Rule("a Mailgun key", "key-", rf"[0-9a-f]{{32}}{_END}"),
    Rule("a New Relic key", "NRAK-", r"[A-Z0-9]{27}"),
    Rule("a Notion token", "ntn_", r"[A-Za-z0-9]{40}"),
    Rule("a Notion token", "secret_", rf"[A-Za-z0-9]{{43}}{_END}"),
    Rule("an npm token", "npm_", rf"[A-Za-z0-9]{{36}}{_END}"),
    Rule("an npm token", "_authToken", r"\s{0,3}=\s{0,3}[\"']?([^\s\"']{16,200})"),
    Rule("an API key", "sk-", r"(?!ant-)([\w-]{32,200})"),
    Rule("a Perplexity key", "pplx-", r"[A-Za-z0-9]{40}"),
    *_each("a PlanetScale token", ("pscale_tkn_", "pscale_pw_"), r"[\w=.-]{32}"),
    Rule("a Postman key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
    Rule("a Pulumi token", "pul-", rf"[a-f0-9]{{40}}{_END}"),
    Rule("a PyPI token", "pypi-AgE", r"[\w-]{50}"),
    Rule("a Replicate token", "r8_", rf"[A-Za-z0-9]{{37}}{_END}"),
    Rule("a RubyGems key", "rubygems_", r"[a-f0-9]{48}"),
    Rule("a SendGrid key", "SG.", r"[\w-]{22}\.[\w-]{43}"),
    *_each("a Sentry token", ("sntrys_", "sntryu_"), r"[\w+/=-]{40}"),
    *_each("a Shopify token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"[a-fA-F0-9]{32}"),
    Rule("a Slack token", "xox", r"[abeoprs](?:\.xox[bp])?-[\w-]{10}"),
    Rule("a Slack token", "xapp-", r"\d-[A-Z0-9]{8,12}-\d{10,13}-[a-f0-9]{32}"),
    Rule("a Slack webhook", "hooks.slack.com/services/", r"T\w{6,20}/B\w{6,20}/\w{16}"),
    *_each("a Square token", ("sq0csp-", "sq0atp-"), r"[\w-]{22}"),
    *_each("a Stripe key", ("sk_live_", "rk_live_", "sk_test_", "rk_test_"), r"[0-9A-Za-z]{20}"),
    Rule("a Stripe webhook secret", "whsec_", r"[0-9A-Za-z]{24}"),
    Rule("a Supabase token", "sbp_", r"[a-f0-9]{40}"),
    Rule("a Tavily key", "tvly-", r"[\w-]{30}"),
    Rule("a Teams webhook", "webhook.office.com/webhookb2/", r"[\w-]{36}@"),
    Rule("a Telegram token", ":AA", rf"(?<=\d{{8}}:AA)[\w-]{{33}}{_END}"),
    Rule("a Terraform token", ".atlasv1.", r"[\w-]{60}"),
    Rule("a Twilio key", "SK", rf"[0-9a-f]{{32}}{_END}"),
    *_each("a Vault token", ("hvs.", "hvb."), r"[\w-]{24}"),
    Rule("an xAI key", "xai-", r"[A-Za-z0-9]{60}"),
    Rule("a JSON web token", "eyJ", r"([\w-]{10,300}+\.eyJ[\w-]{10,3000}+\.[\w-]{10})"),
    Rule("a private key", "-----BEGIN ", r"(?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
         r"(?:\\r|\\n|[\s\"'+,\\#>*|]){0,60}+(?:[A-Z][\w-]{2,20}+: [^\n]{0,120}+\s{1,40}+){0,4}([A-Za-z0-9+/=]{40})"),
    *_each("a private key", _ENCODED_KEYS, r"[A-Za-z0-9+/]{16}"),
    Rule("a private key", "PuTTY-User-Key-File-", r"[23]: [^\n]{1,60}\n"),
    *_each("a password's hash", ("$5$", "$6$", "$y$"), r"[^\s$]{1,40}(?:\$[./A-Za-z0-9]{1,40})?\$([./A-Za-z0-9]{43})"),
    *_each("a password's hash", ("$1$", "$apr1$"), r"[./A-Za-z0-9]{1,8}\$([./A-Za-z0-9]{22})"),
    *_each("a password's hash", ("$2a$", "$2b$", "$2y$"), r"\d\d\$([./A-Za-z0-9]{53})"),
    Rule("a password's hash", "$argon2", r"\w{0,3}\$[\w=,$]{1,60}\$([A-Za-z0-9+/]{16})"),
    Rule("a password in an address", "://", r"[^\s:/@,\"'`<>]{0,80}+:([^\s/@\"'`<>]{3,200}+)@[\w\[]"),
)  # fmt: skip
