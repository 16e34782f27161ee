//! What survives: stores that fail, processes that end, a Redis that is emptied.

use super::*;
