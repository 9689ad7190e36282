# A package from its sources, installed and used.
mkdir -p /srv/pip/greeting
cd /srv/pip
printf 'from setuptools import setup\nsetup(name="greeting", version="1.0", packages=["greeting"], entry_points={"console_scripts": ["greet=greeting:main"]})\n' >setup.py
for module in $(seq 100); do echo "VALUE = $module" >"greeting/m$module.py"; done
printf 'from .m7 import VALUE\ndef main():\n    print("hello", VALUE)\n' >greeting/__init__.py
pip install --no-index --no-build-isolation --no-cache-dir --no-compile --break-system-packages .
test "$(greet)" = 'hello 7'
rm -rf build ./*.egg-info
find / -xdev -name __pycache__ -path '*greeting*' -exec rm -rf {} +
