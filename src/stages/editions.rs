//! Editions of packages, compared by number: what stands on this machine beside what CloudTower has
//! (api-applications §3.1).

use std::cmp::Ordering;

use super::media::MediaFile;
use crate::clients::tower::ApplicationPackage;

/// `v1.10.0-release.20250801` → 1, 10, 0; trailing zeros mean nothing.
fn numbers(version: &str) -> Vec<u32> {
    let dotted = version.trim().trim_start_matches(['v', 'V']);
    let end = dotted.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(dotted.len());
    let mut numbers: Vec<u32> = dotted[..end].split('.').map_while(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// Which of two versions is the higher one.
pub fn compare(one: &str, other: &str) -> Ordering {
    numbers(one).cmp(&numbers(other))
}

/// The newest package of that architecture; of several alike the one of that file name, else the oldest.
pub fn newest<'p>(
    packages: &'p [ApplicationPackage],
    arch: &str,
    file: Option<&MediaFile>,
) -> Option<&'p ApplicationPackage> {
    let of_file = |package: &ApplicationPackage| {
        file.is_some_and(|file| package.filename.as_deref() == Some(file.name.as_str()))
    };
    packages.iter().filter(|package| package.architecture.eq_ignore_ascii_case(arch)).max_by(|one, other| {
        compare(&one.version, &other.version)
            .then_with(|| of_file(one).cmp(&of_file(other)))
            .then_with(|| other.id.cmp(&one.id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(id: &str, version: &str, arch: &str) -> ApplicationPackage {
        ApplicationPackage {
            id: id.to_owned(),
            name: String::new(),
            filename: Some(format!("{id}.tar.gz")),
            version: version.to_owned(),
            architecture: arch.to_owned(),
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (lower, higher) in [("1.9.0", "1.10"), ("1.2", "v1.2.1"), ("", "0.1"), ("1.2.0-rc1", "1.3")] {
            assert_eq!(compare(lower, higher), Ordering::Less, "{lower} {higher}");
        }
        assert_eq!(compare("1.2.0", "v1.2-release.20250801"), Ordering::Equal);
    }

    #[test]
    fn the_newest_of_the_architecture_counts_and_its_file_s_name_among_equals() {
        let packages = [
            package("a", "1.2.0", "X86_64"),
            package("b", "1.10.0", "AARCH64"),
            package("c", "1.2", "x86_64"),
            package("d", "1.1.9", "X86_64"),
        ];
        let id = |arch, file: Option<&MediaFile>| newest(&packages, arch, file).map(|one| one.id.as_str());
        assert_eq!(id("x86_64", None), Some("a"));
        assert_eq!((id("aarch64", None), id("riscv64", None)), (Some("b"), None));
        let file = MediaFile { name: "c.tar.gz".to_owned(), ..MediaFile::default() };
        assert_eq!(id("x86_64", Some(&file)), Some("c"));
    }
}
