# expect: exited
import os
os.execv("/bin/true", ["true"])
