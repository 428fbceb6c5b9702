//! `portcullis token jwt`: JSON Web Tokens made, looked at and verified on the desk.

mod inspect;
mod mint;
mod verify;

use crate::cli::failure::Failure;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Act {
    Mint(mint::Mint),
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
}

impl Act {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Mint(mint) => mint.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Verify(verify) => verify.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::UnixTime;
    use crate::token::jose::{Algorithm, IssuingKey};
    use crate::token::jwt::{StatedHolder, Statement, issue};

    pub(super) const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
    pub(super) const ISSUER: &str = "https://sts.example";

    pub(super) fn statement<'a>(claims: &'a [(&'a str, &'a str)]) -> Statement<'a> {
        Statement {
            token_type: "at+jwt",
            issuer: ISSUER,
            subject: Some("jane"),
            audiences: &["orders"],
            issued: NOW,
            expires: NOW.later(3600),
            claims,
            holder: StatedHolder::Anyone,
        }
    }

    pub(super) fn minted(statement: &Statement<'_>) -> String {
        issue(statement, &IssuingKey::secret(&[7; 32], Algorithm::Hs256).unwrap()).unwrap().to_string()
    }
}
