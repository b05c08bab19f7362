//! `devsphere keys certificate`: says for a day who a service is. Called again in time, it renews.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use clap::Args;
use devsphere_boot::tls;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};

use super::authority;
use crate::{cli::Common, folder::Folder, out, run::name, secret};

/// Machines' clocks may differ by so much.
const SKEW: Duration = Duration::from_secs(60);

/// Which certificates to issue.
#[derive(Args)]
pub(crate) struct Certificate {
    #[command(flatten)]
    common: Common,
    /// The services, or `gateway`.
    #[arg(required = true, value_name = "NAME", value_parser = name)]
    names: Vec<&'static str>,
    /// How long they are good: a number and s, m, h or d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = seconds)]
    lifetime: u64,
    /// Where they are put, beside the authority's; by default `certificates` in the data directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The command.
pub(crate) fn run(flags: &Certificate) -> Result<()> {
    let folder = Folder::find(flags.common.data_dir.as_deref())?;
    let issuer = authority::issuer(&folder)?;
    let authority = authority::file(&folder);
    let authority =
        secret::read(&authority)?.with_context(|| format!("{} is missing", authority.display()))?;
    let place = flags.out.clone().unwrap_or_else(|| folder.certificates());
    DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
    // Two commands would write the same files.
    let alone = File::open(&place)?;
    alone.lock().context("cannot lock the folder of certificates")?;
    let own = place.join(tls::AUTHORITY);
    // Whoever looks at the files need not read one again that says the same.
    if fs::read_to_string(&own).map_or(true, |known| known.trim_end() != authority) {
        secret::write(&own, &authority)?;
    }
    for name in &flags.names {
        issue(&issuer, name, flags.lifetime, &place)
            .with_context(|| format!("cannot issue a certificate for {name}"))?;
        out::say(&place.join(format!("{name}.pem")).display().to_string());
    }
    Ok(())
}

/// Whoever reads between the two files finds a key that is not the certificate's, and looks again.
fn issue(issuer: &Issuer<'_, KeyPair>, name: &str, lifetime: u64, place: &Path) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::URI(tls::uri(name).try_into()?)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    begin_now(&mut params, lifetime)?;
    let made = params.signed_by(&key, issuer)?;
    let file = place.join(format!("{name}.pem"));
    secret::write(
        &file.with_extension("key"),
        &authority::pem("PRIVATE KEY", &key.serialize_der()),
    )?;
    secret::write(&file, &authority::pem("CERTIFICATE", made.der()))
}

/// Good from a little before now, for so many seconds.
pub(super) fn begin_now(params: &mut CertificateParams, seconds: u64) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(SKEW);
    params.not_after = epoch + now + Duration::from_secs(seconds);
    Ok(())
}

fn seconds(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("is no number with s, m, h or d".into()),
    };
    let count: u32 = digits.parse().map_err(|_| "is no number with s, m, h or d")?;
    Ok(u64::from(count) * unit)
}
