; Inno Setup script for Windows, per user, without administrator rights. Not tried on Windows, nor compiled.
; Written from https://jrsoftware.org/ishelp/, its pages on [Setup] (AppMutex, ArchitecturesAllowed, ChangesEnvironment,
; CloseApplications, PrivilegesRequired), [Files], [Icons], [Registry], [Run] and Pascal Scripting.
; Built after `python installers/package.py`:  iscc /DVersion=0.1.0 installers\windows\oxide.iss

#ifndef Version
  #error Say the version: iscc /DVersion=X.Y.Z installers\windows\oxide.iss
#endif

[Setup]
AppId={{5E0C5F1B-1C7D-4B7A-9C6E-0D1DE0D35C70}
AppName=Oxide Desktop
AppVersion={#Version}
AppPublisher=The developers of Oxide Desktop
DefaultDirName={localappdata}\Programs\Oxide Desktop
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
OutputDir=..\..\dist
OutputBaseFilename=oxide-desktop-{#Version}-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern
UninstallDisplayIcon={app}\oxide-desktop.exe
SetupIconFile=..\..\build\package\icons\oxide.ico
LicenseFile=..\..\LICENSE
ChangesEnvironment=yes
; A running Oxide holds it: Setup and Uninstall ask the person to quit it first, so that no task is cut off.
AppMutex=oxide-desktop

[Files]
Source: "..\..\build\package\dist\oxide\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{userprograms}\Oxide Desktop"; Filename: "{app}\oxide-desktop.exe"

[Registry]
; `oxide` and `oxide-mcp` in terminals that are opened from now on. Taken back by the code below.
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; \
  Check: IsNotOnPath('{app}')
; What the app's own settings write if the person wants it to start at login; it goes with the app.
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\Run"; ValueType: none; ValueName: "oxide-desktop"; \
  Flags: dontcreatekey uninsdeletevalue

[Run]
Filename: "{app}\oxide-desktop.exe"; Description: "Start Oxide"; Flags: nowait postinstall skipifsilent

[Code]
function PathOfUser(): string;
begin
  if not RegQueryStringValue(HKEY_CURRENT_USER, 'Environment', 'Path', Result) then
    Result := '';
end;

function IsNotOnPath(Folder: string): Boolean;
begin
  Result := Pos(';' + Uppercase(ExpandConstant(Folder)) + ';', ';' + Uppercase(PathOfUser()) + ';') = 0;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Path: string;
begin
  if Step = usPostUninstall then
  begin
    Path := ';' + PathOfUser() + ';';
    if StringChangeEx(Path, ';' + ExpandConstant('{app}') + ';', ';', True) > 0 then
      RegWriteExpandStringValue(HKEY_CURRENT_USER, 'Environment', 'Path', Copy(Path, 2, Length(Path) - 2));
    if not UninstallSilent then
      MsgBox('Your history, settings and keys are left in the folder .oxide of your home.', mbInformation, MB_OK);
  end;
end;
