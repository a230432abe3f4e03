//! Command line options: `--name VALUE` and `--name`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use frames::limits::INTEGER_MAX;

/// Parsed options of one command.
#[derive(Debug)]
pub struct Arguments {
    values: BTreeMap<String, Vec<String>>,
}

impl Arguments {
    /// Parses `words`; `valued` take a value (and may repeat), `flags` do not. Anything else is an error.
    pub fn parse(words: &[String], valued: &[&str], flags: &[&str]) -> Result<Self, String> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("unexpected argument {word:?}"));
            };
            let value = if flags.contains(&name) {
                String::new()
            } else if valued.contains(&name) {
                words
                    .next()
                    .cloned()
                    .ok_or_else(|| format!("--{name} needs a value"))?
            } else {
                let known: Vec<_> = valued.iter().chain(flags).collect();
                return Err(format!("unknown option --{name}; known are {known:?}"));
            };
            values.entry(name.to_string()).or_default().push(value);
        }
        Ok(Self { values })
    }

    /// True if the option was given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The one value of an option; an error if it was given twice.
    pub fn get(&self, name: &str) -> Result<Option<&str>, String> {
        match self.values.get(name).map(Vec::as_slice) {
            None => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(_) => Err(format!("--{name} was given more than once")),
        }
    }

    /// The one value of an option that must be there.
    pub fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name)?
            .ok_or_else(|| format!("--{name} is missing"))
    }

    /// A required number, at most 2^53 - 1.
    pub fn required_number(&self, name: &str) -> Result<u64, String> {
        number(name, self.required(name)?)
    }

    /// An optional number, at most 2^53 - 1.
    pub fn number(&self, name: &str) -> Result<Option<u64>, String> {
        self.get(name)?.map(|text| number(name, text)).transpose()
    }

    /// All values of a repeated option, at least one.
    pub fn folders(&self, name: &str) -> Result<Vec<PathBuf>, String> {
        match self.values.get(name) {
            None => Err(format!("--{name} is missing")),
            Some(values) => Ok(values.iter().map(PathBuf::from).collect()),
        }
    }

    /// `--threads`, by default one per core.
    pub fn threads(&self) -> Result<usize, String> {
        match self.number("threads")? {
            None => Ok(available_parallelism().map_or(1, NonZeroUsize::get)),
            Some(threads @ 1..=1024) => Ok(threads as usize),
            Some(threads) => Err(format!("--threads {threads} is not between 1 and 1024")),
        }
    }
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|&value| value <= INTEGER_MAX)
        .ok_or_else(|| format!("--{name} {text:?} is no number from 0 to 2^53 - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_string()).collect();
        Arguments::parse(&words, &["storage", "threads"], &["json"])
    }

    #[test]
    fn options() {
        let arguments = parse(&["--storage", "a", "--json", "--storage", "b"]).unwrap();
        assert!(arguments.has("json"));
        assert_eq!(arguments.folders("storage").unwrap().len(), 2);
        assert!(arguments.get("storage").is_err());
    }

    #[test]
    fn refusals() {
        for words in [&["x"][..], &["--stroage", "a"], &["--storage"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
        for threads in ["0", "1025", "-1", "two", "99999999999999999999"] {
            assert!(
                parse(&["--threads", threads]).unwrap().threads().is_err(),
                "{threads}"
            );
        }
    }
}
