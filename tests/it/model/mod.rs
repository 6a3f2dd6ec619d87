//! Everything at once: random cases against naive models, and how the cost of each operation grows.

mod books;
mod exactly_once;
mod growth;
mod notices;
mod promise;
