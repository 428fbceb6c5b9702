//! What a certificate states of its subject, as claims.

use super::name::hex;
use super::{AlternativeName, ProvedCertificate};
use crate::token::{Claims, ClaimsBuilder};

impl ProvedCertificate {
    /// `serial`, `sha256`, `dn`, `cn`, `dns`, `email`, `uri` and `ip`, as far as the certificate has them; several names
    /// of a kind with commas between. A name that has a comma itself could pass for two, so it is none of them.
    pub fn claims(&self) -> Claims {
        let (mut dns, mut email, mut uri, mut address) = (String::new(), String::new(), String::new(), String::new());
        for name in self.names() {
            match name {
                AlternativeName::Dns(host) => add(&mut dns, host),
                AlternativeName::Email(mailbox) => add(&mut email, mailbox),
                AlternativeName::Uri(text) => add(&mut uri, text),
                AlternativeName::Address(octets) => add(&mut address, &octets.to_string()),
            }
        }
        let thumbprint = self.thumbprint_text();
        let mut claims = ClaimsBuilder::default();
        for (name, value) in [
            ("serial", self.serial()),
            ("sha256", &*thumbprint),
            ("dn", self.subject()),
            ("cn", self.common_name()),
            ("dns", &*dns),
            ("email", &*email),
            ("uri", &*uri),
            ("ip", &*address),
        ] {
            if !value.is_empty() {
                // The names differ.
                let _ = claims.add(name, value);
            }
        }
        claims.build()
    }

    /// The thumbprint in lower-case hexadecimal digits.
    pub fn thumbprint_text(&self) -> Box<str> {
        hex(self.thumbprint()).into()
    }
}

fn add(list: &mut String, name: &str) {
    if name.contains(',') {
        return;
    }
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(name);
}
